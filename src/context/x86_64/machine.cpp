#include "context/machine.hpp"

#include <cstdint>

namespace cede::context {

namespace {

// Shadow stacks. The instruction does nothing where they are off or unknown. It asks about this
// thread, and needs no system call that a sandbox might forbid.
bool has_shadow_stack() noexcept {
  std::uint64_t shadow_stack_pointer = 0;
  asm volatile("rdsspq %0" : "+r"(shadow_stack_pointer));
  return shadow_stack_pointer != 0;
}

}  // namespace

constinit machine_question returns_are_checked = &has_shadow_stack;

const char* obstacle_to_switching() noexcept {
  if (returns_are_checked())
    return "shadow stacks are on and forbid switching stacks; run with "
           "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off";
  if (!__builtin_cpu_supports("sse4.1"))
    return "the processor lacks SSE4.1, which the context switch uses";
  return nullptr;
}

}  // namespace cede::context
