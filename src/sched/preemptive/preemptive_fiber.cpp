// What a preemptive fiber does otherwise than a cooperative one.
//
// Actors: the fiber; the worker that carries it at the moment; the kick's handler on that worker's
// thread.
//
// Its word (context/no_preempt.hpp) is open only while it runs code that is not the library's:
// whatever of the library touches a worker, a policy or a lock runs in a region. So
//   1. the handler that finds the word open may take it off at this very instruction;
//   2. whether it is on a worker, and on which, is constant in a region, and worthless to know
//      outside of one (stray.hpp).
// It is put back in a queue by the loop, after its stack has been left: from then on a thief may
// run it.
#include <cede/spawn.hpp>

#include "base/assert.hpp"
#include "context/no_preempt.hpp"
#include "context/preempt.hpp"
#include "context/priority_wait.hpp"
#include "context/tls_block.hpp"
#include "sched/fiber.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/preemptive/preemption.hpp"
#include "sched/preemptive/stray.hpp"
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
  worker& on = *to.carrier->as_worker();
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
  worker& at_end = regained_worker(self);
  at_end.forget_occupant();  // its TLS block is about to be somebody else's: set_adrift()
  at_end.end_of(self);
}

// pthread_exit unwinds through here.
void fiber::run_as_thread(void* self) { static_cast<fiber*>(self)->run_body(); }

// One region is the handler's own.
bool fiber::interrupt(ucontext_t& at, const sigset_t& usual_mask) noexcept {
  const context::preemptible_stack whole{.bottom = stack_.bottom, .top = tls_.low()};
  CEDE_REQUIRE(!context::waits_for_priority_mutex(at, whole),
               "a preemptive fiber must not wait for a mutex with priority inheritance, as the "
               "kernel cannot hand it over: use PTHREAD_PRIO_NONE, or lock it in threads only");
  if (context::open_regions() != 1) {
    context::note_pending();
    return false;
  }
  return context::divert(at, whole, usual_mask, &fiber::interrupted, this) ==
         context::diversion::done;
}

// On its own stack, in the region that the handler has opened.
void fiber::interrupted(void* self) noexcept {
  give_way(*static_cast<fiber*>(self), departure::expired);
  context::forget_pending();
  context::release_preemption();
}

bool fiber::outside_of_regions() const noexcept {
  const void* const pointer = tls_.thread_pointer();
  return pointer != nullptr && context::outside_of_regions(pointer);
}

void fiber::run_astray(context::fiber_context& from) noexcept {
  context::switch_to(from, context_);
}

void fiber::leave_to(context::fiber_context& to,
                     const context::fiber_context::os_thread_state& os) noexcept {
  context_.leave_for(os);
  context::switch_to(context_, to);
}

}  // namespace cede::sched
