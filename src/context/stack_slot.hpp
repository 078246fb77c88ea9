// What the owner of a stack holds: where it lies, and which slot of the pool it is. A plain value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cede::context {

struct stack_slot {
  std::byte* bottom = nullptr;  // lowest usable byte; the guard lies below
  std::byte* top = nullptr;     // one past the highest usable byte, aligned to 64
  std::uint32_t index = 0;      // the pool's, within the size class
  std::uint32_t size_class = 0;

  std::size_t usable() const noexcept { return static_cast<std::size_t>(top - bottom); }
  explicit operator bool() const noexcept { return top != nullptr; }
};

}  // namespace cede::context
