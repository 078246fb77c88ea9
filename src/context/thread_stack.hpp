// The stack of an OS thread that runs a user's code: what overflows it is told from other faults.
// An alternate stack of the thread's own holds the handler that tells; it is a slot of the pool,
// so that it costs a thread no mapping, and no memory but its page table's entries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "context/stack_slot.hpp"

namespace cede::context {

// While it lives, an overflow of the calling thread's stack is reported as
// install_overflow_reporter says (overflow.hpp). Where there is no memory for an alternate stack it
// is not; a thread that has such a stack keeps it. Begins, near the base of the stack, and ends on
// the same thread.
class thread_stack {
 public:
  // Writes, zero-terminated, "thread 'name'" for the calling thread. Must be async-signal-safe.
  using description = void (*)(char* buffer, std::size_t size) noexcept;

  // `bytes`: what the thread was created with.
  thread_stack(std::size_t bytes, description who) noexcept;
  ~thread_stack();
  thread_stack(const thread_stack&) = delete;
  thread_stack& operator=(const thread_stack&) = delete;

  // That of the calling thread, or null. Async-signal-safe.
  static const thread_stack* current() noexcept;

  // Whether a thread whose stack pointer is here overflows if it faults at this address.
  bool is_overflow(std::uintptr_t stack_pointer, std::uintptr_t address) const noexcept;
  std::size_t bytes() const noexcept { return bytes_; }
  void describe(char* buffer, std::size_t size) const noexcept { describe_(buffer, size); }

 private:
  const std::size_t bytes_;
  const description describe_;
  stack_slot alternate_;  // none: the thread has one already, or memory is out
};

// What a thread gets that is created without a size; `ulimit -s`.
std::size_t default_thread_stack() noexcept;

}  // namespace cede::context
