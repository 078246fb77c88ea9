#include "sched/parking.hpp"

#include <cstdio>
#include <mutex>

#include "base/fork_guard.hpp"
#include "context/no_preempt.hpp"
#include "sched/carrier.hpp"
#include "sched/kernel_carrier.hpp"

namespace cede::sched {
namespace {

using namespace state_bit;

// The successful exchanges are acq_rel: unpark releases what the waker wrote, consuming the permit
// acquires it (rule 5). Reads acquire, as a wait may end by a look at the state alone: what a
// canceller did before is then visible.
constexpr auto decide = std::memory_order_acq_rel;
constexpr auto retry = std::memory_order_acquire;

bool consume_permit(runnable& self, std::uint32_t& seen) noexcept {
  while ((seen & permit) != 0)
    if (self.state.compare_exchange_weak(seen, seen & ~permit, decide, retry)) return true;
  return false;
}

// Rule 1: clears `parked` if all bits of `while_set` are still set, and says whether it did.
bool end_park(runnable& who, std::uint32_t while_set) noexcept {
  std::uint32_t seen = who.state.load(std::memory_order_relaxed);
  while ((seen & while_set) == while_set)
    if (who.state.compare_exchange_weak(seen, seen & ~(parked | cancellable), decide, retry))
      return true;
  return false;
}

void interrupt_if_in_syscall(runnable& who) noexcept {
  std::uint32_t seen = who.state.load(std::memory_order_relaxed);
  while ((seen & in_syscall) != 0 && (seen & signalling) == 0)
    if (who.state.compare_exchange_weak(seen, seen | signalling, decide, retry)) {
      who.carrier->interrupt(who);
      who.state.fetch_and(~signalling, std::memory_order_release);
      return;
    }
}

void mark_cancelled(runnable& who, std::uint32_t bits) noexcept {
  who.state.fetch_or(bits, decide);
  if (end_park(who, parked | cancellable))
    who.carrier->ready(who);  // read now: until it has started, a thief may change it
  else
    interrupt_if_in_syscall(who);
}

[[gnu::always_inline]] inline wake park_here(runnable& self, wait_reason reason, deadline until,
                                             cancellation obey) noexcept {
  const bool obeys = obey == cancellation::obeyed;
  const clock::time_point end =
      obeys && self.ambient_deadline < until.when() ? self.ambient_deadline : until.when();
  const std::uint32_t published = obeys ? parked | cancellable : parked;
  self.reason.store(reason, std::memory_order_relaxed);
  wake result = wake::unparked;
  std::uint32_t seen = self.state.load(std::memory_order_acquire);
  for (;;) {
    if (consume_permit(self, seen)) break;
    if (obeys && (seen & cancelled) != 0) {
      result = wake::cancelled;
      break;
    }
    if (end != clock::time_point::max() && clock::now() >= end) {
      result = wake::deadline;
      break;
    }
    if (!self.state.compare_exchange_weak(seen, seen | published, decide, retry)) continue;
    self.carrier->suspend(self, end);
    seen = self.state.load(std::memory_order_acquire);
  }
  self.reason.store(wait_reason::none, std::memory_order_relaxed);
  return result;
}

// A preemptive fiber is not interrupted in here: it would be ready and parked at once.
[[gnu::noinline]] wake park_undisturbed(runnable& self, wait_reason reason, deadline until,
                                        cancellation obey) noexcept {
  const context::no_preempt_region region;
  return park_here(self, reason, until, obey);
}

[[gnu::noinline]] void yield_undisturbed(runnable& self) noexcept {
  const context::no_preempt_region region;
  self.carrier->yield(self);
}

}  // namespace

wake park_until(wait_reason reason, deadline until, cancellation obey) noexcept {
  base::require_not_forked_child("waiting");
  runnable& self = current();
  if (has(self.capabilities, capability::may_migrate)) [[unlikely]]
    return park_undisturbed(self, reason, until, obey);
  return park_here(self, reason, until, obey);
}

void park(wait_reason reason) noexcept {
  while (park_until(reason, never, cancellation::ignored) != wake::unparked) {
  }
}

void unpark(runnable& who) noexcept {
  // Read first: a woken OS thread may end before we call ready. Of a fiber that moves between
  // workers it is known only once we have ended its park.
  const bool moves = has(who.capabilities, capability::may_migrate);
  carrier* const by = moves ? nullptr : who.carrier;
  std::uint32_t seen = who.state.load(std::memory_order_relaxed);
  std::uint32_t next = 0;
  do {
    next = (seen & ~(parked | cancellable)) | permit;
  } while (!who.state.compare_exchange_weak(seen, next, decide, retry));
  if ((seen & parked) != 0) (moves ? who.carrier : by)->ready(who);
}

bool expire(runnable& who) noexcept { return end_park(who, parked); }

void cancel_alone(runnable& who) noexcept { mark_cancelled(who, cancelled); }

void cancel(runnable& who) noexcept {
  mark_cancelled(who, cancelled | tree_cancelled);
  const std::lock_guard hold(who.listeners_lock);
  for (cancel_listener& listener : who.listeners) listener.on_cancel();
}

void yield() noexcept {
  runnable& self = current();
  if (has(self.capabilities, capability::may_migrate)) [[unlikely]]
    return yield_undisturbed(self);
  self.carrier->yield(self);
}

void describe(const runnable& who, char* buffer, std::size_t size) noexcept {
  const char* kind = who.kernel_tid.load(std::memory_order_relaxed) != 0 ? "thread" : "fiber";
  // Acquire pairs with the release in set_name(): the text is complete.
  if (const char* const name = who.name.load(std::memory_order_acquire); name != nullptr)
    std::snprintf(buffer, size, "%s '%s'", kind, name);
  else if (who.id != 0)
    std::snprintf(buffer, size, "%s %llu", kind, static_cast<unsigned long long>(who.id));
  else
    std::snprintf(buffer, size, "%s", kind);
}

}  // namespace cede::sched
