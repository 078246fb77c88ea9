// How deep a stack was used. mincore says which pages exist, so that looking does not create any;
// within the lowest one that holds anything, the lowest non-zero word is the mark.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/sanitizers.hpp"
#include "base/sys.hpp"
#include "context/stack.hpp"

namespace cede::context {

namespace {

using word = std::uintptr_t;

// These bytes belong to another function's frames, or to another thread's.
CEDE_NO_SANITIZE_ADDRESS CEDE_NO_SANITIZE_THREAD const std::byte* first_non_zero(
    const std::byte* from, const std::byte* to) noexcept {
  for (; from < to; from += sizeof(word))
    if (*reinterpret_cast<const volatile word*>(from) != 0) return from;
  return nullptr;
}

// The lowest address in [from, to) that holds anything but zero, or `to`.
const std::byte* lowest_used(std::byte* from, std::byte* to) noexcept {
  const std::size_t page = page_bytes();
  std::array<unsigned char, 256> resident;
  while (from < to) {
    const std::size_t pages =
        std::min(resident.size(), (static_cast<std::size_t>(to - from) + page - 1) / page);
    if (!base::sys::mincore(from, pages * page, resident.data())) return to;
    for (std::size_t i = 0; i < pages; ++i, from += page)
      if ((resident[i] & 1) != 0)
        if (const auto* found = first_non_zero(from, std::min(from + page, to))) return found;
  }
  return to;
}

}  // namespace

std::size_t stack_pool::high_water(const stack_slot& slot) const noexcept {
  return static_cast<std::size_t>(slot.top - lowest_used(slot.bottom, slot.top));
}

}  // namespace cede::context
