#include "context/fiber_context.hpp"

#include "context/valgrind.hpp"

namespace cede::context {

namespace {

// Valgrind takes a jump of the stack pointer within one known stack for a huge frame, so it must
// know each. The requests are a few instructions that do nothing outside valgrind.
#if defined(VALGRIND_STACK_REGISTER)
unsigned register_with_valgrind(const stack_slot& stack) noexcept {
  return under_valgrind() ? static_cast<unsigned>(VALGRIND_STACK_REGISTER(stack.bottom, stack.top))
                          : 0;
}

void deregister_from_valgrind(unsigned id) noexcept {
  if (under_valgrind()) VALGRIND_STACK_DEREGISTER(id);
}
#else
unsigned register_with_valgrind(const stack_slot&) noexcept { return 0; }
void deregister_from_valgrind(unsigned) noexcept {}
#endif

}  // namespace

fiber_context::fiber_context() noexcept : live_exceptions_(thread_exception_state()) {
  continuation_.control = current_fp_control();
}

void fiber_context::start_below(const stack_slot& stack, std::byte* top, entry_function entry,
                                void* argument) noexcept {
  prepare(continuation_, top, entry, argument);
  exceptions_ = {};
  live_exceptions_ = nullptr;
  thread_pointer_ = nullptr;
  os_thread_ = {};
  valgrind_stack_ = register_with_valgrind(stack);
#if CEDE_FIBER_ANNOTATIONS
  annotations_.start(stack);
#endif
}

void fiber_context::destroy() noexcept {
  deregister_from_valgrind(valgrind_stack_);
  valgrind_stack_ = 0;
#if CEDE_FIBER_ANNOTATIONS
  annotations_.destroy();
#endif
}

void move_to(fiber_context& from, fiber_context& to,
             const fiber_context::os_thread_state& os) noexcept {
  settle_fp_control(from.continuation_.control, to.continuation_.control);
  to.live_exceptions_ = os.exceptions;
  if (!to.exceptions_.empty()) *os.exceptions = std::exchange(to.exceptions_, {});
#if CEDE_FIBER_ANNOTATIONS
  from.annotations_.leaving(to.annotations_);
#endif
  set_thread_pointer(os.thread_pointer);
  switch_stacks(from.continuation_, to.continuation_);
#if CEDE_FIBER_ANNOTATIONS
  from.annotations_.arrived();
#endif
}

// A switch that nobody undoes: reaching the trap means that an OVER context was gone on with.
void switch_final(fiber_context& from, fiber_context& to) noexcept {
  from.hand_over(to);
#if CEDE_FIBER_ANNOTATIONS
  from.annotations_.leaving_for_ever(to.annotations_);
#endif
  switch_stacks(from.continuation_, to.continuation_);
  __builtin_trap();
}

}  // namespace cede::context
