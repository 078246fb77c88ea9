// x86-64: the thread pointer is the base of the segment fs, and fs:0 holds it too (ELF TLS ABI).
//
// Since Linux 5.9 a program may set it by one instruction (8 to 9 ns, as it waits for all before);
// elsewhere it takes a system call. Nothing between the change and the switch of stacks may use a
// thread_local; the stack protector's canary at fs:0x28 is the same in every block.
#pragma once

namespace cede::context {

// Whether wrfsbase may be used. Set before the first block is made and never changed after.
[[gnu::visibility("hidden")]] extern bool thread_pointer_is_writable;

[[gnu::cold, gnu::noinline]] void set_thread_pointer_by_system_call(void* pointer) noexcept;

// volatile: the answer differs before and after a switch, and the compiler must not know better.
[[gnu::always_inline]] inline void* current_thread_pointer() noexcept {
  void* pointer;
  asm volatile("movq %%fs:0, %0" : "=r"(pointer));
  return pointer;
}

[[gnu::always_inline]] inline void set_thread_pointer(void* pointer) noexcept {
  if (thread_pointer_is_writable) [[likely]] {
    asm volatile("wrfsbase %0" : : "r"(pointer) : "memory");
  } else {
    set_thread_pointer_by_system_call(pointer);
  }
}

}  // namespace cede::context
