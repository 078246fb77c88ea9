#include "context/no_preempt.hpp"

#include <atomic>

#include "base/assert.hpp"

namespace cede::detail {

constinit thread_local std::uint32_t preemption_word = preemption_not_pending | 1;

namespace {

constinit std::atomic<void (*)() noexcept> due_handler = nullptr;

}  // namespace

void preemption_due() noexcept {
  context::forget_pending();
  // Acquire pairs with the release that set it: what the handler needs was set up before.
  if (auto* const handler = due_handler.load(std::memory_order_acquire)) handler();
}

}  // namespace cede::detail

namespace cede::context {

void set_preemption_due_handler(void (*handler)() noexcept) noexcept {
  detail::due_handler.store(handler, std::memory_order_release);
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
