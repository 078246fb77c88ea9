// The thread that watches the workers of one scheduler: for hogs, which the watchdog reports, and
// for preemptive fibers whose slice is over, which it kicks.
//
// Actors: the monitor's thread; workers, which rouse it; whoever starts and stops it.
// States of `state_`: awake; dormant, it waits until a worker is roused from its sleep or something
// must be looked at earlier; stopping.
// Rules
//   1. It goes dormant only when, since the look before, no worker has switched and all sleep. It
//      announces that, and then looks at the workers once more. A worker first stops to sleep and
//      then looks at the announcement. All four are seq_cst, so one sees the other (Dekker).
//   2. So nothing ticks while nothing runs, and a worker pays one load each time it wakes up.
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cede/error.hpp>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/spinlock.hpp"
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

  /// A worker has woken up. Any thread.
  void rouse() noexcept {
    if (state_.load(std::memory_order_seq_cst) == dormant) [[unlikely]]
      wake();
  }

 private:
  static constexpr std::uint32_t awake = 0;
  static constexpr std::uint32_t dormant = 1;
  static constexpr std::uint32_t stopping = 2;

  // What was seen of a worker when it was last looked at.
  struct stretch {
    std::uint64_t switches = 0;
    clock::time_point since{};
  };

  void serve() noexcept;
  bool look(clock::time_point now) noexcept;
  bool look_at(worker& w, stretch& last, clock::time_point now) noexcept;
  bool all_sleep() const noexcept;
  void sleep() noexcept;
  void wake() noexcept;

  scheduler& scheduler_;
  watchdog watchdog_;
  std::vector<stretch> seen_;
  std::atomic<std::uint32_t> state_{awake};
  base::spinlock start_lock_;
  bool started_ = false;
  std::thread thread_;
};

}  // namespace cede::sched
