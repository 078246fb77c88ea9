// Semaphore: a word with the number of units and one flag, and a queue.
//
// Actors: acquirers, which take a unit or stand in the queue, and releasers.
//
// The word is units * 2 + waiting, where waiting says that the queue is not empty.
//
// Rules
//   1. Waiting implies no units: who comes finds the waiters first. So waiting is set by a
//      compare-and-swap that sees no units, and while it is set units go to waiters.
//   2. The flag changes under the queue's lock only. Without it, the word changes by
//      compare-and-swap without the lock, and that is the last access of a release, so that the one
//      who gets the unit may destroy the semaphore.
//   3. With the flag, a releaser takes the lock and claims. If it has more units than there are
//      waiters, the word gets them under the lock: harmless, as a claimed waiter must return before
//      anyone may destroy (wait_queue.hpp rule 4).
#include <cede/semaphore.hpp>

#include "base/assert.hpp"
#include "sync/wait_queue.hpp"

namespace cede {
namespace {

constexpr std::int64_t waiting = 1;
constexpr std::int64_t unit = 2;

// Acquire in an acquirer pairs with release in the releaser. Failed exchanges only look again.
constexpr auto taken = std::memory_order_acquire;
constexpr auto given = std::memory_order_release;
constexpr auto look = std::memory_order_relaxed;

}  // namespace

void semaphore::broken_initial_count() noexcept {
  base::contract_failure("semaphore: the initial number of units is out of range");
}

bool semaphore::try_acquire() noexcept {
  word seen = state_.load(look);
  while (seen >= unit)
    if (state_.compare_exchange_weak(seen, seen - unit, taken, look)) return true;
  return false;
}

// Rule 1: sets the flag, or takes a unit that has come meanwhile and returns false.
// Requires: the queue's lock.
bool semaphore::announce() noexcept {
  word seen = state_.load(look);
  for (;;) {
    const word next = seen >= unit ? seen - unit : waiting;
    if (state_.compare_exchange_weak(seen, next, taken, look)) return seen < unit;
  }
}

result<> semaphore::acquire(deadline until) noexcept {
  if (try_acquire()) return {};
  sync::queue_hold hold(waiters_.lock);
  if (!announce()) return {};
  const sched::wake how = sync::wait_in(waiters_, hold, {sched::wait_reason::semaphore, until});
  // Now we hold the lock again if we have left the queue; there are no units, by rule 1.
  if (how != sched::wake::unparked && waiters_.first == nullptr) state_.store(0, look);
  return sync::as_result(how);
}

void semaphore::release(std::ptrdiff_t units) noexcept {
  CEDE_REQUIRE(units >= 0, "semaphore: released a negative number of units");
  if (units == 0) return;
  word seen = state_.load(look);
  for (;;) {
    if (seen == waiting) {
      if (hand_out(units)) return;
      seen = state_.load(look);
      continue;
    }
    CEDE_REQUIRE(units <= most - seen / unit, "semaphore: released more units than it can hold");
    if (state_.compare_exchange_weak(seen, seen + units * unit, given, look)) return;
  }
}

// Rule 3; false if all waiters have left meanwhile.
bool semaphore::hand_out(std::ptrdiff_t units) noexcept {
  CEDE_REQUIRE(units <= most, "semaphore: released more units than it can hold");
  sync::queue_hold hold(waiters_.lock);
  if (waiters_.first == nullptr) return false;
  sync::claimed woken = sync::claim(waiters_, static_cast<std::size_t>(units));
  const word left = units - static_cast<word>(woken.count());
  if (waiters_.first == nullptr) state_.store(left * unit, given);
  hold.unlock();
  woken.unpark();
  return true;
}

}  // namespace cede
