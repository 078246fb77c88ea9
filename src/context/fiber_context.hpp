// A fiber's context: its continuation and what the C++ runtime, the sanitizers and valgrind keep
// for each stack. Plain threads have one too, so that a fiber can switch back to them.
//
// States and who may touch what:
//  - THREAD: made by the default constructor on the thread it describes; stays with that thread.
//  - FRESH: after start_on, on any thread; PARKED and RUNNING as in continuation.hpp;
//  - OVER: after switch_final. The stack may be released, and start_on called again, once another
//    context runs.
// Rules:
//  1. `from` is the running context of the calling thread, `to` is FRESH or PARKED.
//  2. An entry function calls arrived() first and ends with switch_final(), never by returning.
//  3. destroy() is called for an OVER or never started fiber, from another context.
//  4. A running context knows its OS thread's exception state; each switch passes that on, so that
//    no switch reads a thread_local and a context may go on on another thread.
//  5. A fiber with a thread pointer of its own (tls_block.hpp) has its own exception state in
//    there, and may go on on any thread. While it runs it keeps the OS thread's pointer, for the
//    context that it switches to; that one need not be the one it came from.
//  6. So while it runs nobody runs as its OS thread, and another thread of the kernel may do so
//    (move_to). A context without a thread pointer of its own always runs as the same OS thread.
#pragma once

#include <cstddef>
#include <utility>

#include "base/sanitizers.hpp"
#include "context/continuation.hpp"
#include "context/exception_state.hpp"
#include "context/stack_slot.hpp"

#if CEDE_ASAN || CEDE_TSAN
#define CEDE_FIBER_ANNOTATIONS 1
#include "context/fiber_annotations.hpp"
#else
#define CEDE_FIBER_ANNOTATIONS 0
#endif

namespace cede::context {

class fiber_context;

// Parks `from` and goes on with `to`; returns when somebody switches back to `from`.
void switch_to(fiber_context& from, fiber_context& to) noexcept;

// Ends `from` and goes on with `to`.
[[noreturn]] void switch_final(fiber_context& from, fiber_context& to) noexcept;

// To be called first in an entry function.
void arrived(fiber_context& self) noexcept;

class fiber_context {
 public:
  // What a thread is to the C library and to the C++ runtime. Control flows without a thread
  // pointer of their own run with their OS thread's, whichever thread of the kernel that happens to
  // be: move_to().
  struct os_thread_state {
    void* thread_pointer = nullptr;
    exception_state* exceptions = nullptr;
  };
  static os_thread_state of_this_thread() noexcept {
    return {current_thread_pointer(), thread_exception_state()};
  }

  // Describes the calling thread's own stack; allocates nothing.
  fiber_context() noexcept;
  ~fiber_context() = default;
  fiber_context(const fiber_context&) = delete;
  fiber_context& operator=(const fiber_context&) = delete;

  // Makes this a fiber that will run entry(argument) on `stack`, which outlives it. The fiber
  // starts with the caller's floating-point control.
  void start_on(const stack_slot& stack, entry_function entry, void* argument) noexcept {
    start_below(stack, stack.top, entry, argument);
  }

  // The same, but leaves the bytes from `top` up to the stack's to the caller, as a place for what
  // the fiber runs. They count as part of its stack: heap pointers in them are no leaks.
  void start_below(const stack_slot& stack, std::byte* top, entry_function entry,
                   void* argument) noexcept;

  // After start_below, before the first switch: makes this a fiber that runs with that thread
  // pointer (of a tls_block) instead of its OS thread's.
  void use_thread_pointer(void* pointer) noexcept {
    thread_pointer_ = pointer;
    exceptions_.caught = this;
  }

  // For one with its own thread pointer that runs: which OS thread it gives back when it leaves.
  void leave_for(const os_thread_state& os) noexcept { os_thread_ = os; }

  // Gives back what the annotations hold; the context may then start again on any stack.
  void destroy() noexcept;

  // Where a PARKED context goes on, for backtraces.
  const continuation& where() const noexcept { return continuation_; }

  friend void switch_to(fiber_context& from, fiber_context& to) noexcept;
  friend void switch_final(fiber_context& from, fiber_context& to) noexcept;
  friend void arrived(fiber_context& self) noexcept;
  friend void move_to(fiber_context& from, fiber_context& to, const os_thread_state& os) noexcept;

 private:
  void hand_over(fiber_context& to) noexcept;
  void hand_over_thread_pointer(fiber_context& to) noexcept;

  continuation continuation_{};
  // Without a thread pointer of its own: what is in flight, only while parked; and where the OS
  // thread keeps that, only while running. With one: both lead to a mark that is not empty.
  exception_state exceptions_{};
  exception_state* live_exceptions_ = nullptr;
  void* thread_pointer_ = nullptr;  // its own, or nullptr: the OS thread's
  os_thread_state os_thread_;       // only while running with its own
  unsigned valgrind_stack_ = 0;
#if CEDE_FIBER_ANNOTATIONS
  fiber_annotations annotations_;
#endif
};

// Parks `from` and goes on with `to`, and the kernel's thread passes for another OS thread
// afterwards: for `os`, whose control flow `to` is. Neither has a thread pointer of its own, and
// nothing else runs as `os`. Exceptions in flight stay with their OS thread.
void move_to(fiber_context& from, fiber_context& to,
             const fiber_context::os_thread_state& os) noexcept;

// Everything that must change hands besides the stack, while `this` still runs. A context with a
// thread pointer of its own never looks empty here, so that others pay nothing for it.
[[gnu::always_inline]] inline void fiber_context::hand_over(fiber_context& to) noexcept {
  settle_fp_control(continuation_.control, to.continuation_.control);
  to.live_exceptions_ = live_exceptions_;
  if ((live_exceptions_->bits() | to.exceptions_.bits()) == 0) [[likely]]
    return;
  if (thread_pointer_ == nullptr && to.thread_pointer_ == nullptr) {
    exchange_exception_state(*live_exceptions_, exceptions_, to.exceptions_);
  } else {
    hand_over_thread_pointer(to);
  }
}

// At least one side has a thread pointer of its own, and the exceptions in flight are found through
// it. Those of the OS thread belong to the side without: it takes them along when it leaves, and
// brings them back.
[[gnu::always_inline]] inline void fiber_context::hand_over_thread_pointer(
    fiber_context& to) noexcept {
  os_thread_state os = os_thread_;
  if (thread_pointer_ == nullptr) {
    os = {current_thread_pointer(), live_exceptions_};
    if (!os.exceptions->empty()) [[unlikely]]
      exceptions_ = std::exchange(*os.exceptions, {});
  }
  if (to.thread_pointer_ == nullptr) {
    to.live_exceptions_ = os.exceptions;
    if (!to.exceptions_.empty()) [[unlikely]]
      *os.exceptions = std::exchange(to.exceptions_, {});
    set_thread_pointer(os.thread_pointer);
  } else {
    to.live_exceptions_ = &to.exceptions_;
    to.os_thread_ = os;
    set_thread_pointer(to.thread_pointer_);
  }
}

// Always inline: a `ret` after the switch would be mispredicted, which costs more than all the
// rest.
[[gnu::always_inline]] inline void switch_to(fiber_context& from, fiber_context& to) noexcept {
  from.hand_over(to);
#if CEDE_FIBER_ANNOTATIONS
  from.annotations_.leaving(to.annotations_);
#endif
  switch_stacks(from.continuation_, to.continuation_);
#if CEDE_FIBER_ANNOTATIONS
  from.annotations_.arrived();
#endif
}

inline void arrived([[maybe_unused]] fiber_context& self) noexcept {
#if CEDE_FIBER_ANNOTATIONS
  self.annotations_.arrived();
#endif
}

}  // namespace cede::context
