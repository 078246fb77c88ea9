// The same operations with plain pthreads, as a program without cede would do them.
#pragma once

#include "measure/bare/cpu_pair.hpp"
#include "measure/bare/kinds.hpp"
#include "measure/bare/timing.hpp"

namespace cede::measure::bare {

/// A turn handed to and fro by a futex on one CPU; an operation is one way, so one switch.
[[nodiscard]] attempt switch_between_threads(const thread_kind& what, int cpu,
                                             std::uint64_t rounds);

/// sched_yield(2) between two; an operation is one that made the other run.
[[nodiscard]] attempt yield_between_threads(const thread_kind& what, int cpu, std::uint64_t rounds);

/// pthread_create and pthread_join, `batch` at a time.
[[nodiscard]] attempt create_and_join(const thread_kind& what, int cpu, std::uint64_t batch,
                                      std::uint64_t rounds);

/// A condition variable with its mutex to and fro; an operation is one way.
[[nodiscard]] attempt wake_between_threads(const thread_kind& what, cpu_pair cpus,
                                           std::uint64_t rounds);

}  // namespace cede::measure::bare
