#include "sched/preemptive/stray.hpp"

#include "base/futex.hpp"
#include "base/signals.hpp"
#include "sched/fiber.hpp"
#include "sched/parking.hpp"
#include "sched/preemptive/spare_threads.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// Rule 1, the fiber's side: what it is after this it stays in the region.
carrier& settled(runnable& self) noexcept {
  carrier* const by = self.carrier.get();
  worker* const w = by->as_worker();
  if (by == w || w == nullptr) return *by;
  self.carrier.change(by, w);  // unless the monitor has been faster
  return *self.carrier.get();
}

}  // namespace

worker* settled_worker(runnable& self) noexcept { return settled(self).as_worker(); }

// Once ready on its worker it may be lent again before that one runs it: hence the loop.
worker& regained_worker(fiber& self) noexcept {
  for (;;) {
    carrier& by = settled(self);
    if (worker* const there = by.as_worker()) return *there;
    static_cast<stray&>(by).rejoin(self, departure::yielded);
  }
}

void give_way(fiber& self, departure how) noexcept {
  carrier& by = settled(self);
  if (by.as_worker() == nullptr && static_cast<stray&>(by).rejoin(self, how)) return;
  self.carrier.get()->as_worker()->leave(self, how);
}

void stray::begin(const fiber& f, worker& w, pid_t on) noexcept {
  home_ = &w;
  thread_ = on;
  comes_back_.store(false, std::memory_order_relaxed);
  kick_wanted_.store(false, std::memory_order_relaxed);
  readied_.store(0, std::memory_order_relaxed);
  // Release pairs with the acquire in id().
  id_.store(f.id, std::memory_order_release);
}

// Rule 3. park_until looks at everything again afterwards, and suspends on the worker.
void stray::suspend(runnable& self, clock::time_point) noexcept {
  if (expire(self)) {
    rejoin(static_cast<fiber&>(self), departure::yielded);
    return;
  }
  // Acquire pairs with the release in ready().
  while (readied_.exchange(0, std::memory_order_acquire) == 0) base::futex_wait(readied_, 0);
}

void stray::ready(runnable&) noexcept {
  readied_.store(1, std::memory_order_release);
  base::futex_wake(readied_, 1);
}

void stray::yield(runnable& self) noexcept {
  give_way(static_cast<fiber&>(self), departure::yielded);
}

// Rule 4.
bool stray::rejoin(fiber& self, departure how) noexcept {
  comes_back_.store(true, std::memory_order_relaxed);
  if (host_ != nullptr) {
    host_->receive(self, how);
    return true;
  }
  home_->take_back(self);
  return false;
}

void stray::kick() noexcept {
  // Release pairs with the acquire in kicked().
  kick_wanted_.store(true, std::memory_order_release);
  static_cast<void>(base::signals::kick(thread_));
}

bool stray::kicked(ucontext_t& interrupted, fiber& self) noexcept {
  if (!kick_wanted_.exchange(false, std::memory_order_acquire)) return false;
  return self.interrupt(interrupted, home_->usual_mask());
}

void claim::suspend(runnable& self, clock::time_point until) noexcept {
  settled(self).suspend(self, until);
}
void claim::ready(runnable& who) noexcept { as_worker()->ready(who); }  // rule 2
void claim::yield(runnable& self) noexcept { settled(self).yield(self); }

}  // namespace cede::sched
