// The thread that watches the workers of one scheduler: for hogs, which the watchdog reports, and
// for preemptive fibers whose slice is over, which it kicks.
//
// Actors: the monitor's thread; workers, which rouse it; whoever starts and stops it.
// States, by `next_look_`, when it will look again: a time, it waits until then; max(), it is
// dormant; min(), it is looking. `calls_` is what it waits on. Rules
//   1. It goes dormant only when, since the look before, no worker has switched and all sleep. It
//      announces that, and then looks at the workers once more. A worker first stops to sleep and
//      then looks at the announcement. All four are seq_cst, so one sees the other (Dekker). In the
//      same way a worker that wants a look at some time first writes that time.
//   2. So nothing ticks while nothing runs, and a worker pays one load each time it wakes up.
//   3. It kicks a worker that runs a preemptive fiber beyond its slice while others live there and
//      one of them could run (worker::anyone_waits). Not in a system call other than a futex: a
//      sleep would end early, a send be cut short. There it has the worker handed over
//      (preemptive/blocked_workers.hpp).
//   4. It waits for no lock that a preempted fiber may hold, malloc's among them: nobody would kick
//      whoever keeps that fiber from running. (A report of the watchdog is an exception.)
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cede/error.hpp>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "context/thread_activity.hpp"
#include "sched/monitor_cpus.hpp"
#include "sched/preemptive/blocked_workers.hpp"
#include "sched/watchdog.hpp"

namespace cede::sched {

class scheduler;
class worker;

class monitor {
 public:
  monitor(scheduler& of, watchdog_options watch);
  ~monitor();
  monitor(const monitor&) = delete;
  monitor& operator=(const monitor&) = delete;

  /// Starts the thread unless it runs. Any thread. Errors: thread_unavailable.
  result<> start();
  /// Ends the thread, and waits for its end.
  void stop() noexcept;

  bool has_watchdog() const noexcept { return watchdog_.on(); }
  /// How often it has looked so far. Any thread.
  std::uint64_t looks() const noexcept { return looks_.load(std::memory_order_relaxed); }

  /// A worker has woken up. Any thread.
  void rouse() noexcept {
    if (next_look_.load(std::memory_order_seq_cst) == never) [[unlikely]]
      call();
  }
  /// Something must be looked at at `when`, which stands in the worker's probe. Any thread.
  void look_by(clock::time_point when) noexcept {
    if (when.time_since_epoch().count() < next_look_.load(std::memory_order_seq_cst)) call();
  }

 private:
  static constexpr clock::rep looking = clock::time_point::min().time_since_epoch().count();
  static constexpr clock::rep never = clock::time_point::max().time_since_epoch().count();

  // What was seen of a worker when it was last looked at.
  struct stretch {
    std::uint64_t switches = 0;
    clock::time_point since{};
    clock::time_point no_kick_before{};
    pid_t thread = 0;
    unsigned looks = 0;              // at somebody who computes
    bool kicked = false;             // in this stretch
    bool named = false;              // likewise
    clock::duration looked_after{};  // when it was last looked at though alone: likewise
    context::activity_probe activity;
  };

  void serve() noexcept;
  void make_room(worker& w, stretch& last) noexcept;
  clock::time_point look(clock::time_point now) noexcept;
  clock::time_point look_at(worker& w, stretch& last, clock::time_point now) noexcept;
  void look_at_lone(worker& w, stretch& last, clock::time_point now) noexcept;
  clock::time_point look_at_slice(worker& w, stretch& last, clock::time_point now) noexcept;
  clock::time_point look_at_pinned(worker& w, stretch& last, clock::time_point now) noexcept;
  void kick(worker& w, stretch& last, clock::time_point now) noexcept;
  void escape(worker& w, stretch& last, long call, clock::time_point now) noexcept;
  context::thread_activity activity_of(worker& w, stretch& last) noexcept;
  clock::time_point earliest_wish() const noexcept;
  void wait_until(clock::time_point when) noexcept;
  bool all_sleep() const noexcept;
  void call() noexcept;

  scheduler& scheduler_;
  watchdog watchdog_;
  std::vector<stretch> seen_;
  std::vector<int> computing_on_;  // by worker: the CPU, or -1
  monitor_cpus cpus_;
  blocked_workers blocked_;
  std::atomic<clock::rep> next_look_{looking};
  std::atomic<std::uint32_t> calls_{0};
  std::atomic<std::uint64_t> looks_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> started_{false};
  std::mutex start_lock_;
  std::thread thread_;
};

}  // namespace cede::sched
