#include "context/priority_wait.hpp"

namespace cede::context {

// There are no preemptive fibers here.
bool waits_for_priority_mutex(const ucontext_t&, const preemptible_stack&) noexcept {
  return false;
}

}  // namespace cede::context
