/// \file
/// What the watchdog says about a fiber that does not let the others run.
///
///     cede::run({.watchdog = 50ms, .on_hog = [](const cede::hog_report& hog) {
///                  my_metrics.hogs.increment();
///                }}, serve);
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace cede {

/// A cooperative fiber has kept its worker for longer than `runtime_options::watchdog`: nothing
/// else ran there in the meantime. Each such stretch is reported once.
struct hog_report {
  std::string fiber;                ///< as in log lines: `fiber 'name'` or `fiber 12`
  unsigned worker = 0;              ///< 0 to `runtime::workers() - 1`
  std::chrono::nanoseconds kept{};  ///< since it was last seen to give way, so far
  std::size_t waiting = 0;          ///< fibers that are ready, and wait for it
  std::string blocked_in;           ///< the system call in which it waits; empty: it computes
  std::string backtrace;            ///< `#0 function at file:line` a line; empty: not to be had
};

}  // namespace cede
