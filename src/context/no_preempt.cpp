#include "context/no_preempt.hpp"

#include "base/assert.hpp"

namespace cede::context {

void set_preemption_due_handler(void (*handler)() noexcept) noexcept {
  detail::preemption_due_handler.store(handler, std::memory_order_release);
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
