// What the monitor does where a worker's thread is blocked: it has a spare thread host the worker,
// or rescue its preemptive fibers; and it looks after the strays, which are what such a thread runs
// then.
//
// Who is blocked is told by /proc/self/task/TID/syscall (context/thread_activity.hpp), 1 to 2 us a
// look: at a worker that has not switched for a slice, and at each stray, the more rarely the
// longer it has been blocked. Nothing depends on the answer being still true.
//
// Threads: the monitor's only.
#pragma once

#include <sys/types.h>

#include <cede/clock.hpp>
#include <cstdint>
#include <vector>

#include "context/thread_activity.hpp"

namespace cede::sched {

class scheduler;
class spare;
class stray;
class watchdog;
class worker;

class blocked_workers {
 public:
  explicit blocked_workers(scheduler& of);

  enum class outcome : std::uint8_t {
    done,
    not_now,    // the fiber is in a region, or has moved on
    not_yet,    // a spare thread is about to be there
    none_left,  // all spare threads are in use
  };
  /// `w` runs a preemptive fiber that blocks its thread.
  outcome hand_over(worker& w) noexcept;
  /// `w` is blocked in code that must go on on its thread: what it could run is run elsewhere.
  void rescue(worker& w) noexcept;
  /// `w` goes on.
  void moved(const worker& w) noexcept;
  /// Kicks the strays that compute, has the watchdog name those that block for long. When to look
  /// again; max() if there is none.
  clock::time_point look_at_strays(watchdog& names, clock::time_point now) noexcept;

 private:
  // What was seen of one.
  struct record {
    std::uint64_t id = 0;
    clock::time_point since{};       // it has been one
    clock::time_point free_since{};  // it has not been blocked; zero: it was blocked
    clock::time_point next{};
    bool blocked = false;  // when last looked at
    bool named = false;
    context::activity_probe activity;
  };
  clock::time_point look_at(stray& one, record& last, watchdog& names,
                            clock::time_point now) noexcept;

  scheduler& scheduler_;
  std::vector<record> seen_;   // of workers' own threads, then of spare threads
  std::vector<bool> rescued_;  // by worker: since it has moved last
};

}  // namespace cede::sched
