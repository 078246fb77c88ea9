/// \file
/// The fiber or thread that is running this code.
#pragma once

#include <cede/deadline.hpp>
#include <cede/error.hpp>
#include <cstdint>
#include <string>

namespace cede::this_fiber {

/// Lets others that are ready run first. On an OS thread this is sched_yield(2).
void yield() noexcept;

/// Waits for a time or until an instant.
/// Errors: `cancelled`; `deadline_exceeded` if the deadline of an enclosing scope comes first.
/// Blocks: fiber or thread.
[[nodiscard]] result<> sleep_until(clock::time_point instant);
template <class Rep, class Period>
[[nodiscard]] result<> sleep_for(std::chrono::duration<Rep, Period> time) {
  return sleep_until(deadline(time).when());
}

/// Whether somebody has asked it to stop. Long computations look at this.
[[nodiscard]] bool cancelled() noexcept;

/// Unique in this process; 0 for a thread that cede did not start.
[[nodiscard]] std::uint64_t id() noexcept;

/// The name it was spawned with, or "fiber 12", or "thread".
[[nodiscard]] std::string name();

/// Bytes of its stack that it has touched so far; 0 for an OS thread, where the kernel knows.
[[nodiscard]] std::size_t stack_high_water() noexcept;

}  // namespace cede::this_fiber
