// aarch64: the thread pointer is the register tpidr_el0, which a program may write.
#pragma once

namespace cede::context {

[[gnu::always_inline]] inline void* current_thread_pointer() noexcept {
  void* pointer;
  asm volatile("mrs %0, tpidr_el0" : "=r"(pointer));
  return pointer;
}

[[gnu::always_inline]] inline void set_thread_pointer(void* pointer) noexcept {
  asm volatile("msr tpidr_el0, %0" : : "r"(pointer) : "memory");
}

}  // namespace cede::context
