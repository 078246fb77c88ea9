// The part of a worker that has to do with preemptive fibers. All but `kicked` and what thieves
// call runs on its thread, in a region of the fiber that is there.
#include <mutex>

#include "context/no_preempt.hpp"
#include "sched/fiber.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace cede::sched {

// From the first preemptive fiber on the worker runs under the fair policy; priorities count there
// too, so nothing is lost of the order before but its name.
fair_policy& worker::fair() {
  if (fair_policy* const there = fair_.load(std::memory_order_relaxed)) return *there;
  become_movable();
  auto made =
      std::make_unique<fair_policy>(fair_policy::tuning{.slice = scheduler_.slice()}, clock::now());
  while (runnable* const r = policy_->pick_next()) made->awakened(*r);
  policy_ = std::move(made);
  auto* const fair = static_cast<fair_policy*>(policy_.get());
  // Release pairs with the acquire of thieves.
  fair_.store(fair, std::memory_order_release);
  return *fair;
}

// One that may migrate has become ready. Its timer is on our wheel, and it may go on elsewhere.
void worker::welcome(runnable& r) noexcept {
  // Asked first, as the timer's line is cold.
  if ((r.state.load(std::memory_order_relaxed) & state_bit::timed) != 0) {
    r.state.fetch_and(~state_bit::timed, std::memory_order_relaxed);
    wheel_.disarm(r);
  }
  fair().awakened(r);
}

// What the monitor has to know. For the background that is a point in time; for all others the
// monitor measures a slice from when it first sees them.
void worker::begin_slice(fiber& f) noexcept {
  const fair_policy& policy = fair();
  begin_slice(f, policy.quantum(), policy.known_begin());
}

void worker::begin_slice(fiber& f, clock::duration quantum,
                         std::optional<clock::time_point> known_begin) noexcept {
  const clock::duration own = std::chrono::microseconds(f.slice);
  probe_.slice.store((f.slice != 0 ? own : scheduler_.slice()).count(), std::memory_order_relaxed);
  clock::rep end = 0;
  // Asked of the background only: there a fiber comes to stay.
  const bool known = quantum != clock::duration(0);
  const auto timer = known ? wheel_.next() : clock::time_point{};
  probe_.next_timer.store(timer.time_since_epoch().count(), std::memory_order_relaxed);
  probe_.others_ready.store(!known || policy_->has_ready(), std::memory_order_relaxed);
  if (quantum != clock::duration(0)) {
    budget_ = 0;  // the policy wants to be told the time when it comes back
    end = (clock::now() + quantum).time_since_epoch().count();
  } else if (known_begin) {
    end = (*known_begin + clock::duration(probe_.slice.load(std::memory_order_relaxed)))
              .time_since_epoch()
              .count();
  }
  probe_.slice_end.store(end, std::memory_order_relaxed);
  probe_.occupant.store(&f, std::memory_order_relaxed);
  probe_.preemptive_at.store(switches(), std::memory_order_seq_cst);
  if (end != 0) scheduler_.watching()->look_by(clock::time_point(clock::duration(end)));
}

void worker::leave(fiber& f, departure how) noexcept {
  parting_ = &f;
  parting_how_ = how;
  leave_to_loop(*running_);
}

// The loop, after the stack has been left.
void worker::see_off() noexcept {
  fiber& f = *std::exchange(parting_, nullptr);
  if (parting_how_ == departure::expired)
    fair().expired(f);
  else
    fair().awakened(f);
}

// In the kick's handler.
bool worker::interrupt_if_due(ucontext_t& interrupted) noexcept {
  // Acquire pairs with the release in monitor::kick.
  if (probe_.kick_for.load(std::memory_order_acquire) != switches() + 1) return false;
  probe_.kick_for.store(0, std::memory_order_relaxed);
  // The TLS block that is in place is the fiber's, a cooperative one's is the thread's.
  runnable* const self = current_runnable;
  if (self == nullptr || !has(self->capabilities, capability::may_migrate)) return false;
  return static_cast<fiber*>(self)->interrupt(interrupted, usual_mask_);
}

bool worker::spares() const noexcept {
  // Acquire pairs with the release in fair().
  const fair_policy* const policy = fair_.load(std::memory_order_acquire);
  return policy != nullptr && policy->spares();
}

// By a thief, for itself.
bool worker::steal_from(worker& victim) noexcept {
  if (!victim.spares()) return false;
  constexpr std::size_t at_once = 8;
  run_queue loot = victim.fair_.load(std::memory_order_acquire)->give(at_once);
  const auto taken = static_cast<std::uint32_t>(loot.size());
  victim.live_.fetch_sub(taken, std::memory_order_relaxed);
  live_.fetch_add(taken, std::memory_order_relaxed);
  while (runnable* const r = loot.pop_front()) {
    r->carrier = this;
    fair().awakened(*r);
  }
  return taken != 0;
}

bool worker::ready_from_own_tls(runnable& who) noexcept {
  if (worker::current() != this) return false;
  accept(who);
  probe_.others_ready.store(true, std::memory_order_relaxed);
  return true;
}

// What comes from elsewhere is in atomics; what only our thread knows of was true when the fiber's
// slice began, and changes by its own doing alone.
bool worker::anyone_waits(clock::time_point now) const noexcept {
  const auto timer =
      clock::time_point(clock::duration(probe_.next_timer.load(std::memory_order_relaxed)));
  return probe_.others_ready.load(std::memory_order_relaxed) || timer <= now ||
         inbox_.load(std::memory_order_relaxed) != nullptr || has_unstarted() ||
         known_fair()->movable_count() != 0 || stopping_.load(std::memory_order_relaxed) ||
         wanted_back() || poller_->has_news();
}

}  // namespace cede::sched
