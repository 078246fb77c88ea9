// Keeps the monitor's thread off the CPUs on which workers compute. There each look takes some 20
// us from the fiber, in a virtual machine, which at a slice of 1 ms is 2 %; anywhere else it takes
// nothing. The kernel does not mind by itself, as the thread runs for a few microseconds each time.
//
// Threads: the monitor's only.
#pragma once

#include <sched.h>

#include <span>

namespace cede::sched {

class monitor_cpus {
 public:
  /// The calling thread may run where it may now, from here on as far as it is not `keep_off`.
  void begin() noexcept;

  /// `taken`: a CPU for each worker that has been seen computing, -1 for others. Where nothing else
  /// is left, all are good again. A failure of the kernel's changes nothing.
  void keep_off(std::span<const int> taken) noexcept;

 private:
  cpu_set_t allowed_{};
  cpu_set_t now_{};
  bool known_ = false;
};

}  // namespace cede::sched
