// How a runnable waits in a queue and is taken out of it: once, for every object that can be waited
// for.
//
// Actors: waiters, each with the hook in its own control block (so that nothing another thread
// touches lies on a stack), and wakers.
//
// States of a waiter's hook
//   idle      it does not wait
//   waiting   in the ring of one queue
//   claimed   a waker has taken it out and owes it a permit
//
// Rules
//   1. The ring changes under the queue's lock only. A chain of claimed ones belongs to its waker.
//   2. A waker claims under the lock and unparks after it has released it. From the release on it
//      does not touch the queue or the object around it: those it has claimed may destroy both as
//      soon as they return.
//   3. A waiter whose wait ended by its deadline or a cancel takes the lock and looks. Waiting: it
//      takes itself out, nothing was given to it. Claimed: it awaits its permit and counts as
//      woken, so what was given to it is not lost (parking.hpp rule 4).
//   4. What lets an actor return without the lock must not be published under the lock, or it could
//      destroy the object while the publisher still has the lock to release. Either that actor
//      passes through the lock too, or the store is the publisher's last access, or it comes with a
//      claim, whose waiter must return before anyone may destroy.
// First come, first served: a waiter enters at the back, wakers claim from the front.
#pragma once

#include <cede/deadline.hpp>
#include <cede/detail/wait_queue.hpp>
#include <cede/error.hpp>
#include <cstddef>
#include <limits>
#include <mutex>

#include "base/intrusive_ring.hpp"
#include "sched/parking.hpp"
#include "sched/runnable.hpp"

namespace cede::sync {

using detail::wait_queue;
using queue_hold = std::unique_lock<base::spinlock>;
using ring = base::intrusive_ring<sched::runnable, sched::wait_queue_tag>;

inline constexpr std::size_t everyone = std::numeric_limits<std::size_t>::max();

/// What a wait is for and what ends it.
struct wait_terms {
  sched::wait_reason reason;
  deadline until = never;
  sched::cancellation obey = sched::cancellation::obeyed;
};

/// Those that a waker has taken out of a queue. Each must be unparked, after the lock is released.
class claimed {
 public:
  explicit claimed(ring::chain those) noexcept : those_(those) {}

  [[nodiscard]] std::size_t count() const noexcept { return those_.size; }
  /// The one that waited longest; null if there is none.
  [[nodiscard]] sched::runnable* first() const noexcept { return those_.first; }

  void unpark() noexcept {
    while (sched::runnable* const one = ring::pop(those_)) sched::unpark(*one);
  }

 private:
  ring::chain those_;
};

/// Rule 2. Requires: the queue's lock is held.
[[nodiscard]] inline claimed claim(wait_queue& queue, std::size_t most) noexcept {
  return claimed(ring(queue.first).take(most));
}

/// Waits for a claim, standing in `queue` already, with its lock released. Returns `unparked`
/// without the lock; or `deadline` or `cancelled` with the lock held and the caller taken out of
/// the queue, so that the owner of the queue can tidy up.
[[nodiscard]] sched::wake await_claim(wait_queue& queue, queue_hold& hold,
                                      const wait_terms& terms) noexcept;

/// Enters the queue at its back, releases its lock, and waits as `await_claim` does.
/// Requires: `hold` holds the lock.
[[nodiscard]] sched::wake wait_in(wait_queue& queue, queue_hold& hold,
                                  const wait_terms& terms) noexcept;

/// A wake as the error value that public functions return.
[[nodiscard]] result<> as_result(sched::wake how) noexcept;

}  // namespace cede::sync
