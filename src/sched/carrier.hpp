// A carrier is what a runnable runs on: a worker, which carries many, or the kernel, which carries
// one to an OS thread. Parking talks to this interface, which is why the same `mutex.lock()` parks
// a fiber and blocks a thread.
#pragma once

#include <cede/clock.hpp>

namespace cede::sched {

class worker;
struct runnable;

class carrier {
 public:
  /// The worker that it is or stands for; null: the kernel, for good or for the moment.
  worker* as_worker() const noexcept { return worker_; }

  /// Gives up the CPU until `ready(self)` or, if it comes first, `until`. Called by `self` after it
  /// has published state_bit::parked; returns at once if that bit has been cleared meanwhile.
  virtual void suspend(runnable& self, clock::time_point until) noexcept = 0;

  /// Makes `who` run again. Called once by whoever cleared state_bit::parked. Any thread.
  virtual void ready(runnable& who) noexcept = 0;

  /// Lets the others run first, if there are any. Called by `self`.
  virtual void yield(runnable& self) noexcept = 0;

  /// Gets `who` out of the system call that it announced with state_bit::in_syscall. Any thread.
  virtual void interrupt(runnable& who) noexcept = 0;

  /// Whether others wait for the CPU while the calling runnable of this carrier sits in a system
  /// call. Then waits go through the reactor, and blocking work goes to the blocking pool.
  virtual bool shared() const noexcept = 0;

 protected:
  explicit carrier(worker* w = nullptr) noexcept : worker_(w) {}
  ~carrier() = default;

 private:
  worker* const worker_;
};

}  // namespace cede::sched
