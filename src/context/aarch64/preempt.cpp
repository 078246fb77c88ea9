// aarch64: not yet. A trampoline as on x86-64 cannot end here: there is no instruction for user
// code that takes program counter and stack pointer at once, so the last step needs a free register
// or a second signal.
#include "context/preempt.hpp"

namespace cede::context {

const char* obstacle_to_preemption() noexcept {
  return "cede does not preempt fibers on aarch64; use OS threads (kind os-thread) for code that "
         "does not yield";
}

std::size_t room_for_preemption() noexcept { return 0; }

diversion divert(ucontext_t&, preemptible_stack, const sigset_t&, void (*)(void*), void*) noexcept {
  return diversion::unsupported;
}

}  // namespace cede::context
