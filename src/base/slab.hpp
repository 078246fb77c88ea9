// Storage for many objects of one type: dense, stable, with an index for each, never given back
// before the slab itself goes.
//
// Actors: any thread creates and destroys; whoever holds an index or an old pointer may ask for the
// slot's generation at any time.
// States of a slot (the two low bits of its mark): idle -> live -> dying -> idle, one generation
// (the other bits) further.
// Who may touch what: free list, fresh count and live count: under `lock_`. A mark: idle -> live by
// the creator of the slot, live -> dying by its destroyer under `lock_`, dying -> idle by its
// destroyer. The object: its users.
// Rules:
// 1. Constructors and destructors of T run outside the lock; they may use the same slab.
// 2. destroy() puts the slot on the free list and marks it dying in one critical section, and then
//    runs the destructor: one read-modify-write in all. create() leaves dying slots where they are.
// 3. Chunks are aligned to their size, so that a pointer leads to its chunk by masking; the
//    directory of chunks only grows, so that at() needs no lock.
// 4. A freed slot is never written by the slab: neighbours' cache lines stay quiet, and an old
//    pointer reads stale bytes, never another type. For a check against reuse use generation_of():
//    a counter inside T is written anew, non-atomically, by the next constructor.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/sanitizers.hpp"
#include "base/slab_chunk.hpp"
#include "base/spinlock.hpp"

namespace cede::base {

// What AddressSanitizer makes of freed slots: `poisoned` reports every use after destroy, and is
// right unless old pointers are followed on purpose.
enum class freed_slots { readable, poisoned };

template <class T, freed_slots Freed = freed_slots::readable>
class slab {
  static constexpr bool poisons = CEDE_ASAN == 1 && Freed == freed_slots::poisoned;

  struct slot_mark {
    std::atomic<std::uint32_t> mark = 0;
    std::uint32_t next_free = 0;
  };

  static constexpr std::size_t header_bytes = sizeof(slab_chunk::header);
  static constexpr std::size_t slot_count(std::size_t bytes) noexcept {
    const std::size_t room = bytes - header_bytes - alignof(T);
    return room / (sizeof(T) + sizeof(slot_mark));
  }

 public:
  static constexpr std::uint32_t slots_per_chunk = slot_count(slab_chunk::bytes);
  static_assert(sizeof(T) <= slab_chunk::bytes / 4 && alignof(T) <= 4096,
                "slab: objects this large get storage of their own");

  slab() noexcept = default;
  slab(const slab&) = delete;
  slab& operator=(const slab&) = delete;

  // Destroys what is still live.
  ~slab() {
    for (std::uint32_t index = 0; index < fresh_; ++index) {
      if (state_of(mark_at(index)) == live_state) std::destroy_at(at(index));
    }
    for (std::uint32_t chunk = 0; chunk < chunks_; ++chunk) release_chunk(chunk);
  }

  // A new object, or nullptr if the system has no memory left. What the constructor throws passes.
  template <class... Arguments>
  [[nodiscard]] T* create(Arguments&&... arguments) {
    const std::uint32_t index = take();
    if (index == none) [[unlikely]] {
      return nullptr;
    }
    T* const storage = at(index);
    if constexpr (poisons) slab_chunk::unpoison(storage, sizeof(T));
    if constexpr (std::is_nothrow_constructible_v<T, Arguments...>) {
      std::construct_at(storage, std::forward<Arguments>(arguments)...);
    } else {
      try {
        std::construct_at(storage, std::forward<Arguments>(arguments)...);
      } catch (...) {
        put_back(index);
        throw;
      }
    }
    advance(mark_at(index), 1);
    return storage;
  }

  // Ends `object`, which create() of this slab gave.
  void destroy(T* object) noexcept {
    const std::uint32_t index = index_of(object);
    slot_mark& slot = mark_at(index);
    {
      const std::lock_guard guard(lock_);
      // Relaxed: the caller has the object, so its mark was written before.
      CEDE_REQUIRE(state_of(slot) == live_state, "slab: destroyed what is not live");
      advance(slot, 1);
      link_free(index, slot);
      add_live(-1);
    }
    std::destroy_at(object);
    if constexpr (poisons) slab_chunk::poison(object, sizeof(T));
    advance(slot, 2);
  }

  // The number of the slot; also for an object already destroyed.
  [[nodiscard]] static std::uint32_t index_of(const T* object) noexcept {
    const slab_chunk::header* const chunk = slab_chunk::header_of(object);
    const auto offset = static_cast<std::size_t>(object - first_slot(chunk));
    return chunk->number * slots_per_chunk + static_cast<std::uint32_t>(offset);
  }

  // Requires: `index` came from index_of(). The object may have been destroyed since.
  [[nodiscard]] T* at(std::uint32_t index) const noexcept {
    return first_slot(directory_.at(index / slots_per_chunk)) + index % slots_per_chunk;
  }

  // A number that is another one as soon as the object in the slot is destroyed (30 bits, so a slot
  // must be used a thousand million times for one to come back). Threads: any.
  [[nodiscard]] std::uint32_t generation_of(std::uint32_t index) const noexcept {
    // Acquire pairs with the release in advance(): whoever sees a newer generation sees the end of
    // the older object.
    return mark_at(index).mark.load(std::memory_order_acquire) >> state_bits;
  }

  // Calls `visit(T&)` for each live object and holds the lock meanwhile: `visit` must be short and
  // must not create or destroy in this slab. Objects cannot end during their visit.
  template <class Visit>
  void for_each_live(Visit&& visit) {
    const std::lock_guard guard(lock_);
    for (std::uint32_t index = 0; index < fresh_; ++index) {
      // Acquire pairs with the release in create(): the object is complete.
      if ((mark_at(index).mark.load(std::memory_order_acquire) & state_mask) == live_state) {
        visit(*at(index));
      }
    }
  }

  // How many objects live, counting those under construction.
  [[nodiscard]] std::size_t live() const noexcept {
    // Relaxed: a count says nothing about the objects.
    return live_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t state_bits = 2;
  static constexpr std::uint32_t state_mask = 3;
  static constexpr std::uint32_t live_state = 1;
  static constexpr std::uint32_t dying_state = 2;
  // Dying slots passed over before a fresh one is taken: as many as threads are inside destructors,
  // more only where destructors destroy in the same slab.
  static constexpr int dying_passed = 4;

  static T* first_slot(const slab_chunk::header* chunk) noexcept {
    constexpr std::size_t marks_end = header_bytes + slots_per_chunk * sizeof(slot_mark);
    constexpr std::size_t offset = (marks_end + alignof(T) - 1) / alignof(T) * alignof(T);
    static_assert(offset + slots_per_chunk * sizeof(T) <= slab_chunk::bytes);
    return reinterpret_cast<T*>(slab_chunk::address_of(chunk) + offset);
  }

  slot_mark& mark_at(std::uint32_t index) const noexcept {
    std::byte* const chunk = slab_chunk::address_of(directory_.at(index / slots_per_chunk));
    return reinterpret_cast<slot_mark*>(chunk + header_bytes)[index % slots_per_chunk];
  }

  // Relaxed where used: by the owner of the slot, or under the lock that orders all owners.
  static std::uint32_t state_of(const slot_mark& slot) noexcept {
    return slot.mark.load(std::memory_order_relaxed) & state_mask;
  }

  // A plain load and store, since each state has one writer. Release pairs with the acquires in
  // for_each_live(), generation_of() and reusable().
  static void advance(slot_mark& slot, std::uint32_t steps) noexcept {
    slot.mark.store(slot.mark.load(std::memory_order_relaxed) + steps, std::memory_order_release);
  }

  void add_live(int change) noexcept {
    // Relaxed, and no read-modify-write: written under the lock only.
    live_.store(live_.load(std::memory_order_relaxed) + static_cast<std::size_t>(change),
                std::memory_order_relaxed);
  }

  void link_free(std::uint32_t index, slot_mark& slot) noexcept {
    slot.next_free = free_;
    free_ = index;
  }

  // Whether the destructor of the slot's last object has ended. Acquire pairs with the release in
  // destroy(): the next constructor runs after that destructor.
  static bool reusable(const slot_mark& slot) noexcept {
    return (slot.mark.load(std::memory_order_acquire) & state_mask) != dying_state;
  }

  // Takes a slot off the free list, or a fresh one; none if memory is out.
  std::uint32_t take() noexcept {
    const std::lock_guard guard(lock_);
    std::uint32_t* link = &free_;
    for (int passed = 0; *link != none && passed <= dying_passed; ++passed) {
      const std::uint32_t index = *link;
      slot_mark& slot = mark_at(index);
      if (reusable(slot)) [[likely]] {
        *link = slot.next_free;
        add_live(1);
        return index;
      }
      link = &slot.next_free;
    }
    return take_fresh();
  }

  [[gnu::noinline]] std::uint32_t take_fresh() noexcept {
    if (fresh_ == chunks_ * slots_per_chunk && !add_chunk()) return none;
    add_live(1);
    return fresh_++;
  }

  void put_back(std::uint32_t index) noexcept {
    if constexpr (poisons) slab_chunk::poison(at(index), sizeof(T));
    const std::lock_guard guard(lock_);
    link_free(index, mark_at(index));
    add_live(-1);
  }

  bool add_chunk() noexcept {
    if (chunks_ >= none / slots_per_chunk) return false;
    slab_chunk::header* const chunk = slab_chunk::map(chunks_);
    if (chunk == nullptr) return false;
    if (!directory_.set(chunks_, chunk)) {
      slab_chunk::unmap(chunk);
      return false;
    }
    // The pages are zero, which is what an idle mark of generation 0 looks like.
    if constexpr (poisons) slab_chunk::poison(first_slot(chunk), slots_per_chunk * sizeof(T));
    ++chunks_;
    return true;
  }

  void release_chunk(std::uint32_t number) noexcept {
    slab_chunk::header* const chunk = directory_.at(number);
    if constexpr (poisons) slab_chunk::unpoison(first_slot(chunk), slots_per_chunk * sizeof(T));
    slab_chunk::unmap(chunk);
  }

  spinlock lock_;
  std::uint32_t free_ = none;  // newest first: its lines are the warm ones
  std::uint32_t fresh_ = 0;    // slots from here on were never used
  std::uint32_t chunks_ = 0;
  std::atomic<std::size_t> live_ = 0;
  slab_chunk::directory directory_;
};

}  // namespace cede::base
