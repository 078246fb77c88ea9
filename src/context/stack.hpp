// Stacks for fibers: a pool of slots for the process, and a cache of some for each worker.
//
// A slot is a piece of a large reservation with a guard below; overflowing it faults. Its pages
// come with use. A released slot stays warm (its touched pages kept, and its contents) as long as
// few are, else its pages go back to the system; the address space stays reserved.
//
// Actors: any thread calls stack_pool; one thread at a time uses a stack_cache.
// Slot states: UNCARVED, LIVE (with its user), WARM or COLD (free in the pool), CACHED.
// Rules:
//  1. A class's spinlock guards its free lists only; no system call is made under it.
//  2. The growth lock is held over the system calls that make more slots; it is taken before the
//     spinlock, never inside.
//  3. A live slot belongs to its user; the pool never touches its bytes.
// Locks are held for a moment between two parks, never over one: an OS mutex is right here.
#pragma once

#include <array>
#include <atomic>
#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "base/sanitizers.hpp"
#include "base/spinlock.hpp"
#include "context/slot_arena.hpp"
#include "context/stack_geometry.hpp"
#include "context/stack_slot.hpp"

namespace cede::context {

// An access to a slot's guard.
struct stack_fault {
  stack_slot slot;
  std::size_t slot_bytes = 0;  // the nominal size: guard and all
};

// Giving the pages back and faulting them in again costs ten times what the rest of a spawn does,
// so a batch of this many should be spared that. Typical stacks touch a page or two: 4 to 8 MiB.
inline constexpr std::uint32_t most_warm = 1024;

struct stack_pool_options {
  guard_method guards = guard_method::automatic;
  std::uint32_t warm_slots = most_warm;  // kept of each class, and at most 64 MiB of slots
  // Bytes of addresses for each class in use: at first, and in the end (4 million of 64 KiB).
  std::size_t first_reservation = std::size_t{1} << 30;
  std::size_t most_reserved = std::size_t{256} << 30;
};

class stack_pool {
 public:
  // The process's own; lives as long as the process.
  static stack_pool& instance() noexcept;

  explicit stack_pool(stack_pool_options options = {}) noexcept;
  ~stack_pool();
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  // A slot of at least `bytes`, rounded up to a power of two from 16 KiB to 8 MiB; the guard, at
  // most a sixteenth or a page, is part of it. Its contents are unspecified.
  // Errors: invalid_argument above 8 MiB; stack_unavailable when memory, address space or mappings
  // (vm.max_map_count) are used up.
  result<stack_slot> allocate(std::size_t bytes) noexcept;
  void release(const stack_slot& slot) noexcept;

  // The same for several of one class. allocate_some fills a prefix and returns how many, at
  // least one.
  result<std::size_t> allocate_some(std::uint32_t size_class, std::span<stack_slot> into) noexcept;
  void release_some(std::span<const stack_slot> slots) noexcept;

  // Bytes from the top down to the lowest that ever became non-zero since the slot's pages last
  // went back to the system: for a warm slot that includes earlier users. Pages that were swapped
  // out do not count.
  std::size_t high_water(const stack_slot& slot) const noexcept;

  // Gives the pages of all warm slots back to the system.
  void trim() noexcept;

  // Whose guard this address is in. Async-signal-safe.
  std::optional<stack_fault> find_fault(const void* address) const noexcept;

 private:
  // Free slots of one class. The top of the warm ones was used last: its lines may be in a cache.
  struct alignas(64) size_class_state {
    base::spinlock lock;
    std::uint32_t warm_count = 0;               // under `lock`
    std::uint32_t cold_head = no_slot;          // under `lock`; linked through the arena
    std::array<std::uint32_t, most_warm> warm;  // under `lock`; a prefix of warm_count
    std::mutex growth;
    slot_arena arena;  // carving: under `growth`
  };

  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};

  std::size_t take_free(size_class_state& from, std::span<stack_slot> into) noexcept;
  result<std::size_t> grow(std::uint32_t size_class, std::span<stack_slot> into) noexcept;
  void keep_cold(size_class_state& in, std::span<const std::uint32_t> indices) noexcept;
  void give_back(std::uint32_t size_class, std::span<const std::uint32_t> indices) noexcept;
  std::uint32_t warm_limit(std::uint32_t size_class) const noexcept;
  void tell_of_fallback() noexcept;

  stack_pool_options options_;
  std::atomic<guard_method> guards_;
  std::atomic<bool> told_of_fallback_ = false;
  std::array<size_class_state, size_classes> classes_;
};

// A worker's own few slots: no lock, no shared line. Exchanges batches with the pool.
class stack_cache {
 public:
  explicit stack_cache(stack_pool& pool = stack_pool::instance()) noexcept : pool_(pool) {}
  ~stack_cache();
  stack_cache(const stack_cache&) = delete;
  stack_cache& operator=(const stack_cache&) = delete;

  // As the pool's. Threads: one at a time.
  result<stack_slot> allocate(std::size_t bytes) noexcept;
  void release(const stack_slot& slot) noexcept;

 private:
  static constexpr std::uint32_t capacity = 32;
  static constexpr std::uint32_t exchanged = 16;

  struct magazine {
    std::uint32_t count = 0;
    std::array<stack_slot, capacity> slots;
  };

  [[gnu::noinline]] result<stack_slot> refill(std::uint32_t size_class) noexcept;
  [[gnu::noinline]] void spill(magazine& full) noexcept;

  stack_pool& pool_;
  std::array<magazine, size_classes> magazines_;
};

}  // namespace cede::context
