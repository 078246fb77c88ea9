#include "context/machine.hpp"

#include <sys/prctl.h>

namespace cede::context {

namespace {

// Guarded control stacks. The numbers are of Linux 6.13 and not in this glibc's headers; older
// kernels answer EINVAL.
bool has_guarded_control_stack() noexcept {
  constexpr int get_shadow_stack_status = 74;
  constexpr unsigned long enabled = 1;
  unsigned long status = 0;
  return prctl(get_shadow_stack_status, &status, 0, 0, 0) == 0 && (status & enabled) != 0;
}

}  // namespace

constinit machine_question returns_are_checked = &has_guarded_control_stack;

const char* obstacle_to_switching() noexcept {
  if (returns_are_checked())
    return "guarded control stacks are on and forbid switching stacks; run with "
           "GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0";
  return nullptr;
}

}  // namespace cede::context
