#include "sched/monitor.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include <mutex>
#include <system_error>

#include "base/futex.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// The kernel may otherwise let a wait end 50 us late, to save wake-ups: too coarse for slices.
void wait_precisely() noexcept { ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); }

}  // namespace

monitor::monitor(scheduler& of, watchdog_options watch)
    : scheduler_(of), watchdog_(std::move(watch)), seen_(of.workers().size()) {}

monitor::~monitor() { stop(); }

result<> monitor::start() {
  const std::lock_guard hold(start_lock_);
  if (started_) return {};
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  result<> outcome;
  state_.store(awake, std::memory_order_seq_cst);
  try {
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "cede-monitor");
      wait_precisely();
      serve();
    });
    started_ = true;
  } catch (const std::exception&) {  // std::system_error, or std::bad_alloc
    outcome = failure(errc::thread_unavailable);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return outcome;
}

void monitor::stop() noexcept {
  if (!started_) return;
  state_.store(stopping, std::memory_order_seq_cst);
  base::futex_wake(state_, 1);
  thread_.join();
  started_ = false;
}

void monitor::wake() noexcept {
  std::uint32_t expected = dormant;
  if (state_.compare_exchange_strong(expected, awake, std::memory_order_seq_cst))
    base::futex_wake(state_, 1);
}

// clock::now() is the real one here: a virtual clock is installed for its thread alone.
void monitor::serve() noexcept {
  while (state_.load(std::memory_order_seq_cst) != stopping) {
    const clock::time_point now = clock::now();
    if (look(now))
      base::futex_wait(state_, awake, now + watchdog_.period());
    else
      sleep();
  }
}

// Rule 1.
void monitor::sleep() noexcept {
  std::uint32_t expected = awake;
  if (!state_.compare_exchange_strong(expected, dormant, std::memory_order_seq_cst)) return;
  while (all_sleep() && state_.load(std::memory_order_seq_cst) == dormant)
    base::futex_wait(state_, dormant);
  expected = dormant;
  state_.compare_exchange_strong(expected, awake, std::memory_order_seq_cst);
}

bool monitor::all_sleep() const noexcept {
  for (const auto& w : scheduler_.workers())
    if (w->busy()) return false;
  return true;
}

bool monitor::look(clock::time_point now) noexcept {
  bool anything = false;
  for (std::size_t i = 0; i < seen_.size(); ++i)
    if (look_at(*scheduler_.workers()[i], seen_[i], now)) anything = true;
  return anything;
}

// Whether it has something to do, or has had since the last look.
bool monitor::look_at(worker& w, stretch& last, clock::time_point now) noexcept {
  const bool busy = w.busy();
  const std::uint64_t switches = w.switches();
  if (!busy || last.switches != switches) {
    const bool moved = last.switches != switches;
    last = {.switches = switches, .since = now};
    return busy || moved;
  }
  if (watchdog_.on()) watchdog_.look(w, switches, last.since, now);
  return true;
}

}  // namespace cede::sched
