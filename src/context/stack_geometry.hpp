// The arithmetic of stack slots: power-of-two classes, and in each slot, from low to high: the
// guard, the usable bytes, and a few lines left out so that tops spread over cache sets.
#pragma once

#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>

namespace cede::context {

inline constexpr std::size_t smallest_slot = 16 * 1024;
inline constexpr std::size_t largest_slot = 8 * 1024 * 1024;
inline constexpr std::uint32_t size_classes = 10;
static_assert(smallest_slot << (size_classes - 1) == largest_slot);

std::size_t page_bytes() noexcept;

constexpr std::size_t slot_bytes(std::uint32_t size_class) noexcept {
  return smallest_slot << size_class;
}

// The class whose slots have at least `bytes`, guard included. Errors: invalid_argument above 8
// MiB.
result<std::uint32_t> size_class_for(std::size_t bytes) noexcept;

// Larger frames step over a guard more easily, and larger slots have the room: a sixteenth of the
// slot, at least a page, at most 64 KiB.
std::size_t guard_bytes(std::uint32_t size_class) noexcept;

// The same offset in every slot would put all fibers' hottest lines into one set of the L1 cache.
// Measured: 1 to 2 % of an echo server at 10,000 connections.
constexpr std::size_t top_offset(std::uint32_t index) noexcept { return (index % 16) * 64; }

}  // namespace cede::context
