// Latch: a count and a queue.
//
// The count goes down by compare-and-swap, as the last access of that `count_down`; but to zero it
// goes under the queue's lock, which `wait` takes too. So a waiter that finds zero, and destroys
// the latch, cannot be in the way of the one who made it zero (wait_queue.hpp rule 4).
#include <cede/latch.hpp>

#include "base/assert.hpp"
#include "sync/wait_queue.hpp"

namespace cede {

void latch::broken_initial_count() noexcept {
  base::contract_failure("latch: the initial count is negative");
}

void latch::count_down(std::ptrdiff_t by) noexcept {
  CEDE_REQUIRE(by >= 0, "latch: counted down by a negative number");
  if (by == 0) return;
  std::ptrdiff_t seen = count_.load(std::memory_order_relaxed);
  // Release: what each one did before it is visible to the waiters, as the last one to come, and
  // every one in between, reads and writes the same word (a release sequence).
  while (seen > by)
    if (count_.compare_exchange_weak(seen, seen - by, std::memory_order_release,
                                     std::memory_order_relaxed))
      return;
  CEDE_REQUIRE(seen == by, "latch: counted down below zero");
  sync::queue_hold hold(waiters_.lock);
  // acq_rel: acquires what the others released, and releases it and its own to try_wait().
  const std::ptrdiff_t before = count_.fetch_sub(by, std::memory_order_acq_rel);
  CEDE_REQUIRE(before == by, "latch: counted down below zero");
  sync::claimed woken = sync::claim(waiters_, sync::everyone);
  hold.unlock();
  woken.unpark();
}

result<> latch::wait(deadline until) noexcept {
  sync::queue_hold hold(waiters_.lock);
  if (count_.load(std::memory_order_relaxed) == 0) return {};  // the lock orders it
  return sync::as_result(sync::wait_in(waiters_, hold, {sched::wait_reason::latch, until}));
}

}  // namespace cede
