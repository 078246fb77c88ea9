#include "sched/preemptive/fair_policy.hpp"

#include <algorithm>
#include <mutex>

namespace cede::sched {
namespace {

bool migrates(const runnable& r) noexcept {
  return has(r.capabilities, capability::may_migrate) && (r.standing & standing_bit::pinned) == 0;
}

clock::duration slice_of(const runnable& r, clock::duration standard) noexcept {
  return r.slice != 0 ? std::chrono::microseconds(r.slice) : standard;
}

clock::duration part(clock::duration whole, double share) noexcept {
  return clock::duration(static_cast<clock::rep>(static_cast<double>(whole.count()) * share));
}

}  // namespace

fair_policy::fair_policy(const tuning& how, clock::time_point now) noexcept
    : how_(how), last_tick_(now), last_foreground_(now), gap_quantum_(how.first_quantum) {}

bool fair_policy::urgent() const noexcept { return !pinned_.empty() || !movable_empty(); }

std::size_t fair_policy::ready_count() const noexcept { return pinned_.size() + movable_count(); }

const runnable* fair_policy::upcoming() const noexcept {
  if (movable_empty()) return pinned_.front();
  const std::lock_guard hold(lock_);
  return movable_.front();
}

void fair_policy::awakened(runnable& r) noexcept {
  if ((r.standing & standing_bit::background) != 0) {
    // One that has waited has a reason still; one that only yields has none.
    if (r.reason.load(std::memory_order_relaxed) == wait_reason::none)
      return push(background_, background_count_, r);
    r.standing &= static_cast<std::uint8_t>(~standing_bit::background);
  }
  if (migrates(r))
    push(movable_, movable_count_, r);
  else
    pinned_.push(r);
}

void fair_policy::expired(runnable& r) noexcept {
  // Relaxed: a count, which orders nothing.
  expirations_.store(expirations() + 1, std::memory_order_relaxed);
  // Of one that is new there the slice that has shown it counts too: without that the background
  // had credit for the time that its own members took.
  background_ran_ = true;
  r.standing |= standing_bit::background;
  push(background_, background_count_, r);
}

// The counts are written under the lock. Relaxed: they only say whether taking it is worth while.
void fair_policy::push(class_queues& queue, std::atomic<std::uint32_t>& count,
                       runnable& r) noexcept {
  const std::lock_guard hold(lock_);
  queue.push(r);
  count.store(static_cast<std::uint32_t>(queue.size()), std::memory_order_relaxed);
}

runnable* fair_policy::pop(class_queues& queue, std::atomic<std::uint32_t>& count) noexcept {
  const std::lock_guard hold(lock_);
  runnable* const r = queue.pop();
  count.store(static_cast<std::uint32_t>(queue.size()), std::memory_order_relaxed);
  return r;
}

runnable* fair_policy::pick_next() noexcept {
  runnable* r = nullptr;
  picked_quantum_ = clock::duration(0);
  if (next_quantum_ != clock::duration(0)) [[unlikely]]
    r = pick_background();
  if (r == nullptr) {
    r = pick_foreground();
    picked_first_ = !foreground_ran_;
    if (r != nullptr) count_active(*r);
  }
  const auto left = background_count_.load(std::memory_order_relaxed);
  if (left != spare_.load(std::memory_order_relaxed)) spare_.store(left, std::memory_order_relaxed);
  return r;
}

runnable* fair_policy::pick_background() noexcept {
  const clock::duration quantum = std::exchange(next_quantum_, clock::duration(0));
  foreground_owed_ = true;
  runnable* const r = pop(background_, background_count_);
  if (r == nullptr) return nullptr;  // thieves were faster
  picked_quantum_ = std::min(quantum, slice_of(*r, how_.slice));
  background_ran_ = true;
  return r;
}

runnable* fair_policy::pick_foreground() noexcept {
  if (movable_empty()) return pinned_.pop();
  if (pinned_.empty()) return pop(movable_, movable_count_);
  return pick_from_both();
}

// The more urgent one, of equals by turns; and by turns now and then in any case, as priorities are
// bounded within each queue only.
runnable* fair_policy::pick_from_both() noexcept {
  const runnable* const movable = upcoming();
  const runnable* const pinned = pinned_.front();
  bool take_movable = movable_turn_ = !movable_turn_;
  if (movable != nullptr && movable->priority != pinned->priority) {
    const bool bound_reached = ++passed_over_ > class_queues::starvation_bound;
    if (bound_reached) passed_over_ = 0;
    take_movable = (movable->priority < pinned->priority) != bound_reached;
  }
  if (take_movable)
    if (runnable* const r = pop(movable_, movable_count_)) return r;
  return pinned_.pop();
}

void fair_policy::count_active(runnable& r) noexcept {
  foreground_ran_ = true;
  foreground_owed_ = false;
  if ((r.standing & standing_bit::window) == window_number_) return;
  r.standing = static_cast<std::uint8_t>((r.standing & ~standing_bit::window) | window_number_);
  ++window_active_;
}

void fair_policy::tick(clock::time_point now) noexcept {
  account(now - last_tick_);
  last_tick_ = now;
  if (foreground_ran_ || urgent()) {
    last_foreground_ = now;
    gap_quantum_ = how_.first_quantum;
  }
  foreground_ran_ = background_ran_ = false;
  next_quantum_ = clock::duration(0);
  background_waited_ = !background_empty();
  if (!background_waited_) return;
  if (urgent()) {
    if (credit_ >= how_.slice && !foreground_owed_) next_quantum_ = how_.slice;
  } else if (now >= waits_until()) {
    next_quantum_ = gap_quantum_;
    gap_quantum_ = std::min(2 * gap_quantum_, how_.slice);
  }
}

clock::time_point fair_policy::waits_until() const noexcept {
  if (background_empty()) return clock::time_point::max();
  if (credit_ > clock::duration(0)) return last_tick_;
  return last_foreground_ + how_.grace;
}

// The owner ticks after each run of the background, so a stretch is the background's as a whole or
// not at all.
void fair_policy::account(clock::duration passed) noexcept {
  if (background_ran_)
    credit_ -= passed;
  else
    (foreground_ran_ ? window_foreground_ : window_idle_) += passed;
  if (!background_ran_ && !background_waited_) {
    credit_ = clock::duration(0);  // credit is for who has waited for it
  } else {
    credit_ = std::clamp(credit_ + part(passed, share()), -how_.slice, how_.slice);
  }
  if (window_foreground_ + window_idle_ >= how_.window) close_window();
}

void fair_policy::close_window() noexcept {
  active_ = std::exchange(window_active_, 0);
  const auto total = window_foreground_ + window_idle_;
  idle_ = static_cast<double>(window_idle_.count()) / static_cast<double>(total.count());
  window_foreground_ = window_idle_ = clock::duration(0);
  window_number_ = static_cast<std::uint8_t>(window_number_ % standing_bit::window + 1);
}

double fair_policy::share() const noexcept {
  constexpr double of_idle = 0.5;
  // One that has just run is back, or it waits; then it counts still.
  const auto hogs = std::max(background_count_.load(std::memory_order_relaxed),
                             std::uint32_t{background_ran_ ? 1U : 0U});
  // Whoever waits is active, whether or not it has run in a window.
  const auto waiting = pinned_.size() + movable_count_.load(std::memory_order_relaxed);
  const auto active =
      static_cast<double>(std::max<std::size_t>({active_, window_active_, waiting}));
  const double equal = hogs / std::max(1.0, hogs + active);
  return std::max({how_.least_share, equal, idle_ * of_idle});
}

// Half of it, as another thief may come, and the owner too.
run_queue fair_policy::give(std::size_t most) noexcept {
  run_queue loot;
  const std::lock_guard hold(lock_);
  const std::size_t spare =
      std::min<std::size_t>(spare_.load(std::memory_order_relaxed), background_.size());
  move_out(background_, background_count_, std::min(most, (spare + 1) / 2), loot);
  spare_.store(static_cast<std::uint32_t>(spare - loot.size()), std::memory_order_relaxed);
  return loot;
}

runnable* fair_policy::borrow() noexcept {
  run_queue one;
  const std::lock_guard hold(lock_);
  move_out(movable_, movable_count_, 1, one);
  if (one.empty()) move_out(background_, background_count_, 1, one);
  return one.pop_front();
}

// Under the lock. Of those that may not migrate now each goes back behind the others.
void fair_policy::move_out(class_queues& queue, std::atomic<std::uint32_t>& count,
                           std::size_t wanted, run_queue& loot) noexcept {
  run_queue kept;
  for (std::size_t looked_at = queue.size(); looked_at > 0 && wanted > 0; --looked_at) {
    runnable& r = *queue.pop();
    if (!migrates(r)) {
      kept.push_back(r);
      continue;
    }
    loot.push_back(r);
    --wanted;
  }
  while (runnable* const r = kept.pop_front()) queue.push(*r);
  count.store(static_cast<std::uint32_t>(queue.size()), std::memory_order_relaxed);
}

bool fair_policy::spares() const noexcept { return spare_.load(std::memory_order_relaxed) != 0; }

}  // namespace cede::sched
