// What a spare thread does: spare_threads.hpp.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/alternate_stack.hpp"
#include "base/futex.hpp"
#include "base/signal_mask.hpp"
#include "context/set_id_signal.hpp"
#include "sched/fiber.hpp"
#include "sched/preemptive/fair_policy.hpp"
#include "sched/preemptive/spare_threads.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// Faults are the thread's own business; the kick finds nothing here.
void leave_signals_to_others() noexcept {
  const sigset_t others = base::every_signal_but_faults();
  ::pthread_sigmask(SIG_SETMASK, &others, nullptr);
}

// What the kernel knows of the thread that this one stands in for, as far as fibers see it.
void resemble(const worker& w) noexcept {
  cpu_set_t cpus;
  if (::sched_getaffinity(w.own_thread(), sizeof cpus, &cpus) == 0)
    ::sched_setaffinity(0, sizeof cpus, &cpus);
  ::pthread_sigmask(SIG_SETMASK, &w.usual_mask(), nullptr);
}

}  // namespace

bool spare::reserve() noexcept {
  std::uint32_t expected = idle_state;
  if (!state_.compare_exchange_strong(expected, reserved_state, std::memory_order_acquire))
    return false;
  pool_.idle_.fetch_sub(1, std::memory_order_seq_cst);
  return true;
}

void spare::give(order what, worker* about) noexcept {
  order_ = what;
  recalled_.store(false, std::memory_order_relaxed);
  about_.store(about, std::memory_order_relaxed);
  // Release pairs with the acquire in await_order().
  state_.store(ordered_state, std::memory_order_release);
  base::futex_wake(state_, 1);
}

void spare::put_back() noexcept {
  pool_.idle_.fetch_add(1, std::memory_order_seq_cst);
  state_.store(idle_state, std::memory_order_release);
  base::futex_wake(state_, 1);
}

bool spare::rescues(const worker& w) const noexcept {
  return state_.load(std::memory_order_acquire) == ordered_state && order_ == order::rescue &&
         about_.load(std::memory_order_relaxed) == &w;
}

void spare::serve() noexcept {
  leave_signals_to_others();
  ::pthread_setname_np(::pthread_self(), "cede-spare");
  // A stack overflow leaves no room for the handler that reports it.
  const base::signals::alternate_stack for_faults;
  const context::known_thread known;
  context::fiber_context flow;
  flow_ = &flow;
  os_ = context::fiber_context::of_this_thread();
  number_ = static_cast<pid_t>(::syscall(SYS_gettid));
  do {
    put_back();  // start_one() and stop() wait for this
    if (!await_order()) return;
    carry_out();
  } while (order_ != order::end);
  state_.store(over_state, std::memory_order_release);
  base::futex_wake(state_, 1);
}

// False: it has been idle for long, and is not the last one.
bool spare::await_order() noexcept {
  for (;;) {
    const auto until = clock::now() + spare_threads::idle_time;
    std::uint32_t seen = state_.load(std::memory_order_acquire);
    while (seen != ordered_state && clock::now() < until) {
      base::futex_wait(state_, seen, until);
      seen = state_.load(std::memory_order_acquire);
    }
    if (seen == ordered_state) return true;
    if (!pool_.may_end()) continue;
    seen = idle_state;
    if (state_.compare_exchange_strong(seen, over_state, std::memory_order_seq_cst)) return false;
    pool_.idle_.fetch_add(1, std::memory_order_seq_cst);  // who reserves it counts it too
  }
}

void spare::carry_out() noexcept {
  if (order_ == order::end) return;
  worker& w = *about_.load(std::memory_order_relaxed);
  resemble(w);
  if (order_ == order::host)
    host(w);
  else
    rescue(w);
  leave_signals_to_others();
}

// Between the two the thread may have been the worker for long, and the host of a stray after that.
void spare::host(worker& w) noexcept {
  w.host_on(*this);
  if (worker* const left = std::exchange(vacated_, nullptr)) left->vacate();
  if (fiber* const f = std::exchange(arrived_, nullptr)) pass_on(*f);
}

void spare::rescue(worker& w) noexcept {
  fair_policy& queue = *w.known_fair();
  while (!recalled_.load(std::memory_order_relaxed)) {
    runnable* const r = queue.borrow();
    if (r == nullptr) return;
    run_in_place_of(w, static_cast<fiber&>(*r));
  }
}

// One that was interrupted must not wait for the worker, as the worker may wait for it: it goes
// back where the next borrow() finds it. What wants to park needs the worker.
void spare::run_in_place_of(worker& w, fiber& f) noexcept {
  straying_.begin(f, w, number_);
  f.carrier = &straying_;
  f.run_astray(*flow_);
  fiber& back = *std::exchange(arrived_, nullptr);
  if (how_ != departure::expired) return pass_on(back);
  straying_.end();
  back.carrier = &w;
  w.known_fair()->expired(back);
  // Pairs with the announcement in sleep_until(): one sees the other.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  w.rouse();
}

void spare::pass_on(fiber& f) noexcept {
  worker& w = straying_.home();
  straying_.end();
  if (how_ == departure::expired) f.standing |= standing_bit::background;
  f.carrier = &w;
  w.ready(f);
}

// On the stack of `self`, in a region.
void spare::receive(fiber& self, departure how) noexcept {
  arrived_ = &self;
  how_ = how;
  self.leave_to(*flow_, os_);
}

}  // namespace cede::sched
