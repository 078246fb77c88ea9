// What the bare costs are measured for.
#pragma once

#include <cede/spawn.hpp>
#include <string>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::bare {

/// A way to spawn with cede.
struct cede_kind {
  std::string name;
  std::string title;
  report::nature is;
  kind what;
  attributes how;
  [[nodiscard]] bool is_thread() const noexcept { return is == report::nature::thread; }
};

/// Every kind that this cede has; one that is not permitted here shows when it is tried.
[[nodiscard]] std::vector<cede_kind> cede_kinds();

/// A thread made with plain pthreads, to see what cede adds to it.
struct thread_kind {
  std::string name;
  std::string title;
  int policy;    ///< SCHED_OTHER or SCHED_FIFO
  int priority;  ///< sched(7)
};

[[nodiscard]] std::vector<thread_kind> thread_kinds();

/// Completes "not available: ..." for something that could not be spawned.
[[nodiscard]] std::string cannot_spawn(const cede_kind& one, std::error_code why);

}  // namespace cede::measure::bare
