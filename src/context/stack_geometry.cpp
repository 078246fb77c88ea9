#include "context/stack_geometry.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>

namespace cede::context {

std::size_t page_bytes() noexcept {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

result<std::uint32_t> size_class_for(std::size_t bytes) noexcept {
  if (bytes > largest_slot) return failure(errc::invalid_argument);
  // With pages of 64 KiB a slot of 16 KiB could not hold its own guard.
  const std::size_t wanted = std::max({bytes, smallest_slot, 4 * page_bytes()});
  return static_cast<std::uint32_t>(std::bit_width((wanted - 1) / smallest_slot));
}

std::size_t guard_bytes(std::uint32_t size_class) noexcept {
  constexpr std::size_t most = 64 * 1024;
  return std::max(page_bytes(), std::min(slot_bytes(size_class) / 16, most));
}

}  // namespace cede::context
