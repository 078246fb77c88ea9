// The control block of a cooperative fiber: runnable + saved registers + stack.
//
// It starts on one worker and stays there, so a `thread_local` that the compiler has cached
// stays right across a park; until its first run an idle worker may steal it.
#pragma once

#include "context/fiber_context.hpp"
#include "context/stack.hpp"
#include "sched/spawned.hpp"

namespace cede::sched {

class worker;

class alignas(64) fiber final : public spawned {
 public:
  static constexpr std::size_t default_stack = 64 * 1024;

  /// With the callable moved onto its new stack, not yet handed to a worker. `on` is the worker
  /// that will run it unless it is stolen.
  /// Errors: stack_unavailable, invalid_argument (stack size; callable too large for it).
  static result<fiber*> create(worker& on, const attributes& how, const detail::body& callable,
                               scheduler& owner);

  explicit fiber(worker& on) noexcept;

  /// Where `current()`'s fiber is, or null on an OS thread.
  static fiber* running() noexcept;

  const context::stack_slot& stack() const noexcept { return stack_; }

  /// Takes back the stack of one that has ended; on its worker, from another stack.
  void retire() noexcept;

 private:
  static void resume(runnable& self) noexcept;
  [[noreturn]] static void enter(void* self) noexcept;
  result<> place_body(const detail::body& callable);
  void discard() noexcept;
  void dispose() noexcept override;

  alignas(64) context::fiber_context context_;
  context::stack_slot stack_{};
};

}  // namespace cede::sched
