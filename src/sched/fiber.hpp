// The control block of a fiber: runnable + saved registers + stack.
//
// A cooperative one starts on one worker and stays there, so a `thread_local` that the compiler has
// cached stays right across a park; until its first run an idle worker may steal it.
//
// A preemptive one (preemptive/preemptive_fiber.cpp) has a TLS block at the top of its stack, which
// makes it a thread to the C library. So `current()` is a constant in it, and it may go on
// anywhere.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include "context/fiber_context.hpp"
#include "context/stack.hpp"
#include "context/tls_block.hpp"
#include "sched/spawned.hpp"

namespace cede::sched {

class worker;

class alignas(64) fiber final : public spawned {
 public:
  static constexpr std::size_t default_stack = 64 * 1024;
  static constexpr std::size_t default_preemptive_stack = 256 * 1024;

  /// With the callable moved onto its new stack, not yet handed to a worker. `on` is the worker
  /// that will run it unless it is stolen.
  /// Errors: stack_unavailable, invalid_argument (stack size; callable too large for it).
  static result<fiber*> create(worker& on, kind what, const attributes& how,
                               const detail::body& callable, scheduler& owner);

  fiber(worker& on, kind what) noexcept;

  /// Where `current()`'s fiber is, or null on an OS thread.
  static fiber* running() noexcept;

  const context::stack_slot& stack() const noexcept { return stack_; }
  bool is_preemptive() const noexcept { return has(capabilities, capability::may_migrate); }

  /// In the kick's handler, on its thread, in a region: makes it give way as soon as it may. True:
  /// at once, and the region is ended by the fiber when it goes on.
  bool interrupt(ucontext_t& interrupted, const sigset_t& usual_mask) noexcept;

  /// As the monitor sees it, and true only if it runs meanwhile: whether it is in no region.
  bool outside_of_regions() const noexcept;

  /// A spare thread's control flow runs it, until it leaves for `os`, which the thread is.
  void run_astray(context::fiber_context& from) noexcept;
  /// It leaves the spare thread that it has run on, and goes on when a worker resumes it.
  void leave_to(context::fiber_context& to,
                const context::fiber_context::os_thread_state& os) noexcept;

  /// Takes back the stack of one that has ended; on its worker `on`, from another stack.
  void retire(worker& on) noexcept;

 private:
  friend class worker;

  static void resume(runnable& self) noexcept;
  static void resume_preemptive(runnable& self) noexcept;
  [[noreturn]] static void enter(void* self) noexcept;
  [[noreturn]] static void enter_preemptive(void* self) noexcept;
  static void run_as_thread(void* self);
  static void interrupted(void* self) noexcept;
  result<> equip(const attributes& how, const detail::body& callable);
  result<> place_body(const detail::body& callable);
  void discard() noexcept;
  void dispose() noexcept override;

  alignas(64) context::fiber_context context_;
  context::stack_slot stack_{};
  context::tls_block tls_;
};

}  // namespace cede::sched
