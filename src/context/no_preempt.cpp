#include "context/no_preempt.hpp"

#include "base/assert.hpp"
#include "context/continuation.hpp"

namespace cede::context {

void set_preemption_due_handler(void (*handler)() noexcept) noexcept {
  detail::preemption_due_handler.store(handler, std::memory_order_release);
}

const std::uint32_t* preemption_word_of(const void* thread_pointer) noexcept {
  const auto distance = reinterpret_cast<std::uintptr_t>(&detail::preemption_word) -
                        reinterpret_cast<std::uintptr_t>(current_thread_pointer());
  const auto at = reinterpret_cast<std::uintptr_t>(thread_pointer) + distance;
  return reinterpret_cast<const std::uint32_t*>(at);
}

bool outside_of_regions(const void* thread_pointer) noexcept {
  // By a plain increment on the other side, which is one instruction; nothing is read torn.
  const std::uint32_t word = __atomic_load_n(preemption_word_of(thread_pointer), __ATOMIC_SEQ_CST);
  return (word & ~detail::preemption_not_pending) == 0;
}

void allow_preemption() noexcept {
  CEDE_REQUIRE(open_regions() == 1, "no_preempt: preemption was allowed in a region");
  forget_pending();
  release_preemption();
}

void forbid_preemption() noexcept {
  CEDE_REQUIRE(open_regions() == 0, "no_preempt: preemption was forbidden twice or in a region");
  hold_preemption();
  forget_pending();
}

}  // namespace cede::context
