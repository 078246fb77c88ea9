// Two of a kind that cede spawns, doing something with each other.
#pragma once

#include <functional>

#include "measure/bare/cpu_pair.hpp"
#include "measure/bare/kinds.hpp"
#include "measure/bare/timing.hpp"

namespace cede::measure::bare {

struct two_sides {
  std::function<void()> left;
  std::function<void()> right;
};

/// Runs both sides on one CPU: fibers on one worker. The time from the start of the first to the
/// end of the last.
[[nodiscard]] std::expected<nanoseconds, std::string> run_on_one_cpu(const cede_kind& what, int cpu,
                                                                     const two_sides& sides);

/// Runs both sides on a CPU each: fibers on two workers. An error also if they did not stay apart.
[[nodiscard]] std::expected<nanoseconds, std::string> run_on_two_cpus(const cede_kind& what,
                                                                      cpu_pair cpus,
                                                                      const two_sides& sides);

}  // namespace cede::measure::bare
