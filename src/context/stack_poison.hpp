// In AddressSanitizer builds the bytes of a free slot are poisoned, so that a pointer into an ended
// fiber's stack is found when it is used. Elsewhere these do nothing.
#pragma once

#include <cstddef>

#include "base/sanitizers.hpp"
#include "context/stack_slot.hpp"

#if CEDE_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace cede::context {

inline void poison([[maybe_unused]] const stack_slot& slot) noexcept {
#if CEDE_ASAN
  __asan_poison_memory_region(slot.bottom, slot.usable());
#endif
}

inline void unpoison([[maybe_unused]] const stack_slot& slot) noexcept {
#if CEDE_ASAN
  __asan_unpoison_memory_region(slot.bottom, slot.usable());
#endif
}

// Before slots are unmapped: whoever gets these addresses next knows nothing of poison.
inline void unpoison([[maybe_unused]] std::byte* from, [[maybe_unused]] std::size_t size) noexcept {
#if CEDE_ASAN
  __asan_unpoison_memory_region(from, size);
#endif
}

}  // namespace cede::context
