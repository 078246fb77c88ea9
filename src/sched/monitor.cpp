#include "sched/monitor.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/futex.hpp"
#include "base/signal_mask.hpp"
#include "base/signals.hpp"
#include "sched/fiber.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// The kernel may otherwise let a wait end 50 us late, to save wake-ups: too coarse for slices.
void wait_precisely() noexcept { ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); }

// Where the kernel's own slices can be asked for (Linux 6.12, "EEVDF"), a thread with the shortest
// runs as soon as it wakes, also on the CPU of a worker that computes. Elsewhere this does nothing.
void wake_at_once() noexcept {
  struct {  // sched_setattr(2), which the C library does not have
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
  } how{};
  constexpr std::uint64_t keep_policy = 0x08;  // SCHED_FLAG_KEEP_POLICY
  constexpr std::uint64_t shortest = 100'000;  // ns
  if (::syscall(SYS_sched_getattr, 0, &how, sizeof how, 0U) != 0) return;
  if (how.policy != SCHED_OTHER) return;
  how.flags |= keep_policy;
  how.runtime = shortest;
  static_cast<void>(::syscall(SYS_sched_setattr, 0, &how, 0U));
}

}  // namespace

monitor::monitor(scheduler& of, watchdog_options watch)
    : scheduler_(of),
      watchdog_(std::move(watch)),
      seen_(of.workers().size()),
      computing_on_(of.workers().size(), -1),
      blocked_(of) {}

monitor::~monitor() { stop(); }

result<> monitor::start() {
  // Acquire pairs with the release below; from then on no preemptive fiber waits for the lock.
  if (started_.load(std::memory_order_acquire)) return {};
  const std::lock_guard hold(start_lock_);
  if (started_.load(std::memory_order_relaxed)) return {};
  try {
    const base::signal_mask none(base::every_signal());
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "cede-monitor");
      wait_precisely();
      wake_at_once();
      cpus_.begin();
      serve();
    });
    started_.store(true, std::memory_order_release);
  } catch (const std::exception&) {  // std::system_error, or std::bad_alloc
    return failure(errc::thread_unavailable);
  }
  return {};
}

void monitor::stop() noexcept {
  if (!started_.load(std::memory_order_acquire)) return;
  stopping_.store(true, std::memory_order_seq_cst);
  call();
  thread_.join();
  stopping_.store(false, std::memory_order_relaxed);
  started_.store(false, std::memory_order_relaxed);
}

void monitor::call() noexcept {
  calls_.fetch_add(1, std::memory_order_seq_cst);
  base::futex_wake(calls_, 1);
}

// clock::now() is the real one here: a virtual clock is installed for its thread alone.
void monitor::serve() noexcept {
  while (!stopping_.load(std::memory_order_seq_cst)) {
    wait_until(look(clock::now()));
    looks_.fetch_add(1, std::memory_order_relaxed);  // a count, which orders nothing
  }
}

// Rule 1.
void monitor::wait_until(clock::time_point when) noexcept {
  const std::uint32_t calls = calls_.load(std::memory_order_seq_cst);
  next_look_.store(when.time_since_epoch().count(), std::memory_order_seq_cst);
  const bool dormant = when == clock::time_point::max();
  const bool called = stopping_.load(std::memory_order_seq_cst) || earliest_wish() < when ||
                      (dormant && !all_sleep());
  if (!called) base::futex_wait(calls_, calls, when);
  next_look_.store(looking, std::memory_order_seq_cst);
}

bool monitor::all_sleep() const noexcept {
  for (const auto& w : scheduler_.workers())
    if (w->busy()) return false;
  return true;
}

// Of those that have come up since the look. A worker that sleeps has none: what stands in its
// probe is from the fiber that was there last.
clock::time_point monitor::earliest_wish() const noexcept {
  auto earliest = clock::time_point::max();
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    if (!scheduler_.workers()[i]->busy()) continue;
    worker_probe& probe = scheduler_.workers()[i]->probe();
    const auto end =
        clock::time_point(clock::duration(probe.slice_end.load(std::memory_order_seq_cst)));
    if (end == clock::time_point{} || !scheduler_.workers()[i]->runs_preemptive()) continue;
    if (end > seen_[i].no_kick_before) earliest = std::min(earliest, end);
  }
  return earliest;
}

clock::time_point monitor::look(clock::time_point now) noexcept {
  auto next = clock::time_point::max();
  for (std::size_t i = 0; i < seen_.size(); ++i)
    next = std::min(next, look_at(*scheduler_.workers()[i], seen_[i], now));
  return std::min(next, blocked_.look_at_strays(watchdog_, now));
}

// When to look at it again: max() if it does nothing, and has done nothing since the last look.
clock::time_point monitor::look_at(worker& w, stretch& last, clock::time_point now) noexcept {
  const bool busy = w.busy();
  const std::uint64_t switches = w.switches();
  const bool moved = last.switches != switches;
  if (!busy || moved) {
    last.switches = switches;
    last.since = now;
    last.no_kick_before = {};
    last.kicked = last.named = false;
    last.looked_after = {};
    blocked_.moved(w);
  } else if (watchdog_.on() && !w.runs_preemptive()) {
    watchdog_.look(w, switches, last.since, now);
  }
  if (!busy && !moved) return clock::time_point::max();
  auto next = watchdog_.on() ? now + watchdog_.period() : clock::time_point::max();
  if (w.known_fair() != nullptr) next = std::min(next, look_at_slice(w, last, now));
  return next;
}

clock::time_point monitor::look_at_slice(worker& w, stretch& last, clock::time_point now) noexcept {
  constexpr auto often_enough = std::chrono::microseconds(500);
  constexpr auto nearly_over = std::chrono::microseconds(20);
  const clock::duration usual = std::max<clock::duration>(scheduler_.slice() / 2, often_enough);
  if (!w.runs_preemptive()) return look_at_pinned(w, last, now);
  const auto slice = clock::duration(w.probe().slice.load(std::memory_order_relaxed));
  const auto end = clock::duration(w.probe().slice_end.load(std::memory_order_seq_cst));
  auto due = end.count() != 0 ? clock::time_point(end) : last.since + slice;
  due = std::max(due, last.no_kick_before);
  // Each look costs the worker that it is near some 10 us in a virtual machine: so where the end is
  // known there is one for each slice, which does not come back for what is nearly over.
  if (now + nearly_over < due) return end.count() != 0 ? due : std::min(due, now + usual);
  last.no_kick_before = now + slice;
  // Alone it may go on: whoever comes is seen within a slice.
  if (w.live() > 1)
    kick(w, last, now);
  else
    look_at_lone(w, last, now);
  return last.no_kick_before;
}

// Nobody wants its place, but if it hangs in a mutex that the kernel cannot hand over its handler
// is the one to say so (fiber::interrupt). Each look is twice as late as the one before.
void monitor::look_at_lone(worker& w, stretch& last, clock::time_point now) noexcept {
  constexpr auto soon = std::chrono::milliseconds(100);
  const clock::duration kept = now - last.since;
  if (kept < std::max<clock::duration>(soon, 2 * last.looked_after)) return;
  last.looked_after = kept;
  if (activity_of(w, last).what == context::activity::in_futex) kick(w, last, now);
}

// It runs its loop or a cooperative fiber, which nobody interrupts. But what that waits for may be
// a lock of the C library that a preempted fiber holds.
clock::time_point monitor::look_at_pinned(worker& w, stretch& last,
                                          clock::time_point now) noexcept {
  const clock::duration slice = scheduler_.slice();
  if (w.busy() && now - last.since >= slice && w.known_fair()->movable_count() != 0) {
    const auto doing = activity_of(w, last).what;
    if (doing == context::activity::in_futex || doing == context::activity::in_syscall)
      blocked_.rescue(w);
  }
  return now + slice / 2;
}

context::thread_activity monitor::activity_of(worker& w, stretch& last) noexcept {
  const pid_t thread = w.probe().thread.load(std::memory_order_seq_cst);
  if (thread != last.thread) {
    last.activity = context::activity_probe(thread);
    last.thread = thread;
  }
  return last.activity.look();
}

// Rule 3. Whom a kick has not helped is in a region, in which it may wait for a preempted fiber.
void monitor::kick(worker& w, stretch& last, clock::time_point now) noexcept {
  const auto doing = activity_of(w, last);
  if (doing.what == context::activity::in_syscall) return escape(w, last, doing.number, now);
  if (doing.what == context::activity::in_futex && last.kicked) blocked_.rescue(w);
  if (doing.what == context::activity::running) {
    make_room(w, last);
    if (!w.anyone_waits(now)) return;
  }
  last.kicked = true;
  // Release pairs with the acquire in worker::interrupt_if_due.
  w.probe().kick_for.store(last.switches + 1, std::memory_order_release);
  static_cast<void>(base::signals::kick(last.thread));
}

// Now and then, as who computes seldom moves. Where a worker has computed it is likely to do so
// again: that stays until it is seen elsewhere.
void monitor::make_room(worker& w, stretch& last) noexcept {
  constexpr unsigned once_in = 16;
  if (last.looks++ % once_in != 0) return;
  computing_on_[w.index()] = context::cpu_of(last.thread);
  cpus_.keep_off(computing_on_);
}

void monitor::escape(worker& w, stretch& last, long call, clock::time_point now) noexcept {
  using enum blocked_workers::outcome;
  const auto outcome = blocked_.hand_over(w);
  if (outcome == done) return;
  last.no_kick_before = now + std::chrono::microseconds(500);  // to try again soon
  if (outcome == not_now) blocked_.rescue(w);
  if (outcome != none_left || !watchdog_.on() || last.named) return;
  if (now - last.since < watchdog_.threshold()) return;
  last.named = true;
  const fiber* const who = w.probe().occupant.load(std::memory_order_relaxed);
  watchdog_.name_blocked(who->id, w.index(), call, now - last.since, true);
}

}  // namespace cede::sched
