// Stray fibers: preemptive ones that run on a thread which is no worker's at the moment. A fiber
// becomes one when its worker is taken from under it, because it sits in a blocking system call
// (worker::set_adrift), or when a spare thread runs it for a worker that is blocked
// (spare_threads.hpp). To itself nothing changes: it has its TLS block, and goes on where it is. At
// its next scheduling point it rejoins its worker.
//
// Actors: the stray; the monitor, which makes strays and kicks those that do not come back; wakers
// and cancellers of the stray.
//
// What `carrier` of a preemptive fiber is:
//   its worker      usually
//   worker::claim   the monitor is about to take the worker from it
//   a stray         it is one
//
// Rules
//   1. In a region (context/no_preempt.hpp) the running fiber finds one answer to whether it is a
//      stray, and it stays true until the region ends or the fiber waits. The monitor claims first,
//      then has all threads pass a barrier, then looks whether a region is open. A region that it
//      does not see is opened after the barrier, and so meets the claim, which the fiber and the
//      monitor settle by compare-and-swap. The frequent side pays nothing.
//   2. The monitor may be late, and find that it has claimed a fiber which has been elsewhere
//      meanwhile: it takes the claim back if that is still there. For everybody but the fiber
//      itself a claim therefore stands for the worker.
//   3. A stray does not wait as a stray: it rejoins, then parks on its worker. A waker that was
//      faster calls ready() on what it finds as carrier, and the stray stays until it has.
//   4. On a worker's own thread a stray waits, on its stack, until whoever runs the worker makes
//      way: the worker's thread goes on as what it was, in the middle of that fiber. On a spare
//      thread it leaves its stack, and the thread passes it on to the worker's inbox.
//   5. What a stray does with the runtime without waiting (unpark, spawn, cancel) it does as a
//      thread from outside.
#pragma once

#include <sys/types.h>
#include <ucontext.h>

#include <atomic>
#include <cede/clock.hpp>
#include <cstdint>

#include "context/thread_activity.hpp"
#include "sched/carrier.hpp"
#include "sched/preemptive/preemption.hpp"
#include "sched/runnable.hpp"

namespace cede::sched {

class fiber;
class spare;

/// What carries a stray: one for each thread that can have one, never destroyed before the workers.
class stray final : public carrier {
 public:
  /// `host`: the spare thread; null for a worker's own.
  explicit stray(spare* host = nullptr) noexcept : host_(host) {}
  stray(const stray&) = delete;
  stray& operator=(const stray&) = delete;

  // carrier
  void suspend(runnable& self, clock::time_point until) noexcept override;
  void ready(runnable& who) noexcept override;
  void yield(runnable& self) noexcept override;
  void interrupt(runnable&) noexcept override {}
  bool shared() const noexcept override { return true; }

  /// `f`, of `w`, is about to be one on the thread `on`.
  void begin(const fiber& f, worker& w, pid_t on) noexcept;
  void end() noexcept { id_.store(0, std::memory_order_release); }
  /// Makes `self`, which runs here, a fiber of its worker again. True: others have run meanwhile.
  bool rejoin(fiber& self, departure how) noexcept;
  /// In the kick's handler, in a region: true if the thread will give way at once.
  bool kicked(ucontext_t& interrupted, fiber& self) noexcept;

  worker& home() const noexcept { return *home_; }

  // For the monitor.
  /// Whose id it is; 0: nobody strays here.
  std::uint64_t id() const noexcept { return id_.load(std::memory_order_acquire); }
  /// It waits for its worker: leave it alone.
  bool comes_back() const noexcept { return comes_back_.load(std::memory_order_relaxed); }
  pid_t thread() const noexcept { return thread_; }
  void kick() noexcept;

 private:
  spare* const host_;
  worker* home_ = nullptr;
  pid_t thread_ = 0;
  std::atomic<std::uint64_t> id_{0};
  std::atomic<bool> comes_back_{false};
  std::atomic<bool> kick_wanted_{false};
  std::atomic<std::uint32_t> readied_{0};  // rule 3
};

/// Rule 1: stands in a fiber while the monitor is about to take the worker.
class claim final : public carrier {
 public:
  explicit claim(worker& of) noexcept : carrier(&of) {}
  void suspend(runnable& self, clock::time_point until) noexcept override;
  void ready(runnable& who) noexcept override;
  void yield(runnable& self) noexcept override;
  void interrupt(runnable&) noexcept override {}
  bool shared() const noexcept override { return true; }
};

/// The worker that carries the calling preemptive fiber, in a region; null if it is a stray.
worker* settled_worker(runnable& self) noexcept;
/// The same; a stray rejoins first. It may wait for that: no spinlock is held.
worker& regained_worker(fiber& self) noexcept;
/// Lets others run on the calling fiber's worker. In a region.
void give_way(fiber& self, departure how) noexcept;

}  // namespace cede::sched
