#include "sched/parking.hpp"

#include <cstdio>
#include <mutex>

#include "context/no_preempt.hpp"
#include "sched/carrier.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/park_here.hpp"

namespace cede::sched {
namespace {

using namespace state_bit;

constexpr auto decide = park_order::decide;
constexpr auto retry = park_order::retry;

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

[[gnu::noinline]] void yield_undisturbed(runnable& self) noexcept {
  const context::no_preempt_region region;
  self.carrier->yield(self);
}

}  // namespace

wake park_undisturbed(runnable& self, wait_reason reason, deadline until,
                      cancellation obey) noexcept {
  const context::no_preempt_region region;
  return park_here(self, reason, until, obey);
}

wake park_until(wait_reason reason, deadline until, cancellation obey) noexcept {
  return park_self(current(), reason, until, obey);
}

void park(wait_reason reason) noexcept {
  while (park_until(reason, never, cancellation::ignored) != wake::unparked) {
  }
}

void unpark(runnable& who) noexcept {
  // Read first: a woken OS thread may end before we call ready. Of a fiber that moves between
  // workers it is known only once we have ended its park.
  const bool moves = has(who.capabilities, capability::may_migrate);
  carrier* const by = moves ? nullptr : who.carrier.get();
  std::uint32_t seen = who.state.load(std::memory_order_relaxed);
  std::uint32_t next = 0;
  do {
    next = (seen & ~(parked | cancellable)) | permit;
  } while (!who.state.compare_exchange_weak(seen, next, decide, retry));
  if ((seen & parked) != 0) (moves ? who.carrier.get() : by)->ready(who);
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
