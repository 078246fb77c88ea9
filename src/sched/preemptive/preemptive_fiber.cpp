// What a preemptive fiber does otherwise than a cooperative one.
//
// Actors: the fiber; the worker that carries it at the moment; the kick's handler on that worker's
// thread.
//
// Its word (context/no_preempt.hpp) is open only while it runs code that is not the library's:
// whatever of the library touches a worker, a policy or a lock runs in a region. So
//   1. the handler that finds the word open may take it off at this very instruction;
//   2. `carrier` is constant in a region, and worthless outside of one.
// It is put back in a queue by the loop, after its stack has been left: from then on a thief may
// run it.
#include <cede/spawn.hpp>

#include "context/no_preempt.hpp"
#include "context/preempt.hpp"
#include "context/tls_block.hpp"
#include "sched/fiber.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/preemptive/preemption.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// Below this a stack has no room for anything beside its block and one preemption.
constexpr std::size_t least_free = 8 * 1024;

}  // namespace

result<> fiber::equip(const attributes& how, const detail::body& callable) {
  if (!is_preemptive()) return place_body(callable);
  if (how.slice.count() != 0 && !is_slice(how.slice)) return failure(errc::invalid_argument);
  slice = static_cast<std::uint32_t>(how.slice.count());
  const std::size_t needed =
      context::tls_block_bytes() + context::room_for_preemption() + least_free;
  if (stack_.usable() < needed) return failure(errc::invalid_argument);
  auto block = context::make_tls_block(stack_);
  if (!block) return std::unexpected(block.error());
  tls_ = *block;
  return place_body(callable);
}

void fiber::resume_preemptive(runnable& self) noexcept {
  fiber& to = static_cast<fiber&>(self);
  worker& on = *static_cast<worker*>(to.carrier);
  context::fiber_context& from = *std::exchange(on.running_, &to.context_);
  on.count_switch();
  on.begin_slice(to);
  context::switch_to(from, to.context_);
}

void fiber::enter_preemptive(void* argument) noexcept {
  fiber& self = *static_cast<fiber*>(argument);
  context::arrived(self.context_);
  exchange_current(&self);
  context::allow_preemption();
  context::run_as_thread(&fiber::run_as_thread, &self);
  context::forbid_preemption();
  static_cast<worker*>(self.carrier)->end_of(self);
}

// pthread_exit unwinds through here.
void fiber::run_as_thread(void* self) { static_cast<fiber*>(self)->run_body(); }

bool fiber::interrupt(ucontext_t& at, const sigset_t& usual_mask) noexcept {
  if (!context::preemption_allowed()) {
    context::note_pending();
    return true;
  }
  context::hold_preemption();
  const auto outcome = context::divert(at, {.bottom = stack_.bottom, .top = tls_.low()}, usual_mask,
                                       &fiber::interrupted, this);
  if (outcome == context::diversion::done) return true;
  context::release_preemption();
  return false;
}

// On its own stack, in the region that `interrupt` has opened.
void fiber::interrupted(void* self) noexcept {
  fiber& me = *static_cast<fiber*>(self);
  static_cast<worker*>(me.carrier)->leave(me, departure::expired);
  context::forget_pending();
  context::release_preemption();
}

}  // namespace cede::sched
