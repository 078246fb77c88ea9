#include "context/machine.hpp"

#include <cstdint>

namespace cede::context {

namespace {

// Returns would be compared with the shadow stack of another context. The instruction does nothing
// where shadow stacks are off or unknown.
bool has_shadow_stack() noexcept {
  std::uint64_t shadow_stack_pointer = 0;
  asm volatile("rdsspq %0" : "+r"(shadow_stack_pointer));
  return shadow_stack_pointer != 0;
}

}  // namespace

const char* obstacle_to_switching() noexcept {
  if (has_shadow_stack())
    return "shadow stacks are on and forbid switching stacks; run with "
           "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off";
  if (!__builtin_cpu_supports("sse4.1"))
    return "the processor lacks SSE4.1, which the context switch uses";
  return nullptr;
}

}  // namespace cede::context
