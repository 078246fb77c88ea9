// What operations cost that cede spawns and schedules: one function for each, made for a kind.
#pragma once

#include "measure/bare/cpu_pair.hpp"
#include "measure/bare/kinds.hpp"
#include "measure/bare/timing.hpp"

namespace cede::measure::bare {

/// From one stack to another and nothing else, exceptions and floating-point control included; an
/// operation is one way. For a fiber that shares its worker's thread-local storage.
[[nodiscard]] attempt switch_between_fibers(int cpu, std::uint64_t rounds);

/// The same to and from a fiber with thread-local storage of its own, as a preemptive one has it.
[[nodiscard]] attempt switch_with_own_tls(int cpu, std::uint64_t rounds);

/// this_fiber::yield() between two that do nothing else; an operation is one that made the other
/// run, which a thread's does not always.
[[nodiscard]] attempt yield_between(const cede_kind& what, int cpu, std::uint64_t rounds);

/// spawn and join, `batch` at a time.
[[nodiscard]] attempt spawn_and_join(const cede_kind& what, int cpu, std::uint64_t batch,
                                     std::uint64_t rounds);

/// Two semaphores to and fro; an operation is one way, from release to the other's return from
/// acquire. On one CPU if `cpus` are the same, else on both.
[[nodiscard]] attempt wake_between(const cede_kind& what, cpu_pair cpus, std::uint64_t rounds);

}  // namespace cede::measure::bare
