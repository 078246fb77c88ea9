#include "context/x86_64/thread_pointer.hpp"

#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

namespace cede::context {

namespace {

constexpr unsigned long hwcap2_fsgsbase = 1UL << 1;  // asm/hwcap2.h

}  // namespace

bool thread_pointer_is_writable = (getauxval(AT_HWCAP2) & hwcap2_fsgsbase) != 0;

// By hand: between the two thread pointers errno belongs to nobody. The call cannot fail for an
// address that is mapped in this process.
void set_thread_pointer_by_system_call(void* pointer) noexcept {
  long outcome;
  asm volatile("syscall"
               : "=a"(outcome)
               : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(pointer)
               : "rcx", "r11", "memory");
  if (outcome != 0) __builtin_trap();
}

}  // namespace cede::context
