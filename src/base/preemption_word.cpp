// The word of <cede/detail/no_preempt.hpp>: here, as spinlocks need it. What fills it with life is
// in context/no_preempt.hpp.
#include <atomic>
#include <cede/detail/no_preempt.hpp>

namespace cede::detail {

constinit thread_local std::uint32_t preemption_word = preemption_not_pending | 1;

constinit std::atomic<void (*)() noexcept> preemption_due_handler = nullptr;

void preemption_due() noexcept {
  preemption_word |= preemption_not_pending;
  // Acquire pairs with the release that set it: what the handler needs was set up before.
  if (auto* const handler = preemption_due_handler.load(std::memory_order_acquire)) handler();
}

}  // namespace cede::detail
