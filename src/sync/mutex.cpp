// Mutex: a word with the owner's address and three flags, and a queue.
//
// Actors: the owner; waiters in the queue; at most one woken waiter, which has been claimed and is
// on its way to try again; barging lockers, which have not waited.
//
// The word is the owner's address (0: free) and
//   waiting   the queue is not empty. Changes under the queue's lock only.
//   waking    there is a woken waiter. Set when it is claimed; the woken waiter clears it when it
//             takes the mutex or goes back to the queue.
//   handoff   the first in the queue has been overtaken often enough: the owner gives it the mutex.
//             Set and cleared under the queue's lock; implies waiting, and an owner.
//
// Rules
//   1. Free and waiting implies waking: somebody who will look is always under way, so no unlock is
//      lost. Hence waiters enter the queue, and the woken one lays waking down, only in a
//      compare-and-swap that sees an owner: that one's unlock will find the flags.
//   2. A free mutex is taken by a compare-and-swap, without the queue's lock, by anybody.
//   3. While there is an owner, only waiters change the word, and only under the queue's lock.
//      So the owner may use a plain store under that lock.
//   4. The owner frees the word under the queue's lock only together with a claim, as else the next
//      owner could destroy the mutex before that lock is released (wait_queue.hpp rule 4).
// Modelled in docs/models/mutex.pml.
//
// Rejected: handing over at each unlock, which is fair but makes everybody wait for each awakening
// (a convoy: contended throughput falls by more than ten times); waking one at each unlock, as then
// several woken waiters run against each other for one mutex.
#include <cede/mutex.hpp>

#include "base/assert.hpp"
#include "sync/wait_queue.hpp"

namespace cede {
namespace {

using word = std::uintptr_t;

constexpr word waiting = 1;
constexpr word waking = 2;
constexpr word handoff = 4;
constexpr word all_flags = waiting | waking | handoff;

// A woken waiter that finds the mutex taken this often has it handed over. Once would already be
// fair, but a hand-over costs all others an awakening.
constexpr unsigned patience = 4;

constexpr word owner_of(word state) noexcept { return state & ~all_flags; }

static_assert(alignof(sched::runnable) > all_flags);

}  // namespace

void mutex::lock_contended(word self) noexcept { static_cast<void>(wait_for_lock(self, never)); }

bool mutex::try_lock_until(deadline until) noexcept { return wait_for_lock(caller(), until); }

bool mutex::try_lock_contended(word seen) noexcept {
  return owner_of(seen) == 0 && take_if_free(caller(), 0);
}

// Rule 2. Flags stay, without those in `clear`.
bool mutex::take_if_free(word self, word clear) noexcept {
  word seen = state_.load(std::memory_order_relaxed);
  while (owner_of(seen) == 0)
    if (state_.compare_exchange_weak(seen, (seen & ~clear) | self, taken,
                                     std::memory_order_relaxed))
      return true;
  return false;
}

bool mutex::wait_for_lock(word self, deadline until) noexcept {
  sched::runnable& me = *reinterpret_cast<sched::runnable*>(self);
  for (unsigned wakes = 0;; ++wakes) {
    sync::queue_hold hold(waiters_.lock, std::defer_lock);
    do {
      if (hold.owns_lock()) hold.unlock();
      if (take_if_free(self, wakes != 0 ? waking : 0)) return true;
      hold.lock();
    } while (!announce(self, wakes));
    sync::ring line(waiters_.first);
    if (wakes != 0)
      line.push_front(me);
    else
      line.push_back(me);
    hold.unlock();
    const auto how = sync::await_claim(
        waiters_, hold, {sched::wait_reason::mutex, until, sched::cancellation::ignored});
    if (how != sched::wake::unparked) {
      if (line.empty()) state_.fetch_and(~(waiting | handoff), std::memory_order_relaxed);
      return false;
    }
    // Acquire pairs with the release in wake_first(), if that has handed the mutex to us.
    if (owner_of(state_.load(std::memory_order_acquire)) == self) return true;
  }
}

// Rule 1: says that we are going to stand in the queue; false if nobody would wake us, the mutex
// being free. Relaxed: the flags tell the owner to take the queue's lock, which synchronises.
bool mutex::announce(word self, unsigned wakes) noexcept {
  word seen = state_.load(std::memory_order_relaxed);
  for (;;) {
    if (owner_of(seen) == 0) return false;
    CEDE_REQUIRE(owner_of(seen) != self, "locks a mutex that it holds already");
    word next = (wakes != 0 ? seen & ~waking : seen) | waiting;
    if (wakes >= patience) next |= handoff;
    if (state_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
  }
}

void mutex::unlock_contended() noexcept {
  require_held();
  for (;;) {
    word seen = state_.load(std::memory_order_relaxed);
    const bool someone_to_wake = (seen & waiting) != 0 && (seen & waking) == 0;
    if (someone_to_wake) {
      if (wake_first()) return;
    } else if (state_.compare_exchange_weak(seen, seen & all_flags, given,
                                            std::memory_order_relaxed)) {
      return;
    }
  }
}

// False if all waiters have left meanwhile; the mutex is then still the caller's (rule 4).
bool mutex::wake_first() noexcept {
  sync::queue_hold hold(waiters_.lock);
  sync::claimed first = sync::claim(waiters_, 1);
  if (first.count() == 0) return false;
  const bool hand_over = (state_.load(std::memory_order_relaxed) & handoff) != 0;
  const word who = hand_over ? reinterpret_cast<word>(first.first()) : waking;
  state_.store(waiters_.first != nullptr ? who | waiting : who, given);  // rule 3
  hold.unlock();
  first.unpark();
  return true;
}

void mutex::require_held() const noexcept {
  CEDE_REQUIRE(owner_of(state_.load(std::memory_order_relaxed)) == caller(),
               "unlocks a mutex that it does not hold");
}

}  // namespace cede
