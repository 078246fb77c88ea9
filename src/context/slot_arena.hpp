// The address space of one size class: reservations cut into slots, made usable in a growing
// prefix.
//
// A reservation is inaccessible and costs nothing but addresses. Each is twice as large as the one
// before, so a small program shows no huge address space (emulators even pay for it), a million
// stacks need few, and where RLIMIT_AS forbids a large one a smaller one does.
//
// Actors: one grower at a time (the pool's growth lock), any number of readers.
// Rules:
//  1. reserve and carve write a region's fields before `regions_in_use_` (release) publishes it;
//     readers load that with acquire. A published region never moves or changes size.
//  2. `carved` only grows. slot(index) is for indices that carve gave out.
//  3. slot_of is async-signal-safe.
#pragma once

#include <array>
#include <atomic>
#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "context/stack_geometry.hpp"
#include "context/stack_slot.hpp"

namespace cede::context {

enum class guard_method : std::uint8_t {
  automatic,    // markers if the kernel has them
  protections,  // mprotect: two mappings a slot, so vm.max_map_count limits the slots
};

class slot_arena {
 public:
  struct batch {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  slot_arena() noexcept = default;
  ~slot_arena();
  slot_arena(const slot_arena&) = delete;
  slot_arena& operator=(const slot_arena&) = delete;

  // `first_bytes`: of the first reservation. `most_bytes`: of all together.
  void configure(std::uint32_t size_class, std::size_t first_bytes,
                 std::size_t most_bytes) noexcept;

  // Makes at least one more slot usable, with its guard. May turn `guards` from automatic to
  // protections. Errors: stack_unavailable.
  result<batch> carve(std::atomic<guard_method>& guards) noexcept;

  stack_slot slot(std::uint32_t index) const noexcept;

  // The word in which a free list may link a slot.
  std::uint32_t& link(std::uint32_t index) noexcept;

  // Which slot's bytes, guard included, hold this address.
  std::optional<stack_slot> slot_of(const void* address) const noexcept;

 private:
  struct region {
    std::byte* base = nullptr;
    std::uint32_t* links = nullptr;
    std::uint32_t first = 0;
    std::uint32_t slots = 0;
    std::atomic<std::uint32_t> carved = 0;
  };

  static constexpr std::size_t most_regions = 32;

  result<region*> region_with_room() noexcept;
  std::size_t next_reservation() const noexcept;
  result<region*> reserve(std::size_t bytes) noexcept;
  result<std::uint32_t> open_slots(const region& where, std::uint32_t from, std::uint32_t count,
                                   std::atomic<guard_method>& guards) noexcept;
  bool open_with_markers(std::byte* from, std::uint32_t count) noexcept;
  std::uint32_t open_with_protections(std::byte* from, std::uint32_t count) noexcept;
  const region& region_of(std::uint32_t index) const noexcept;
  stack_slot slot_in(const region& where, std::uint32_t offset) const noexcept;

  std::uint32_t size_class_ = 0;
  std::size_t first_bytes_ = 0;
  std::size_t most_bytes_ = 0;
  std::array<region, most_regions> regions_;
  std::atomic<std::uint32_t> regions_in_use_ = 0;
};

}  // namespace cede::context
