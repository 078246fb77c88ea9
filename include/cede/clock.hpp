/// \file
/// The time all of cede goes by: deadlines, sleeps, timers and reports.
///
///     auto started = cede::clock::now();
///     work();
///     auto took = cede::clock::now() - started;   // std::chrono::nanoseconds
#pragma once

#include <chrono>

namespace cede {

/// A steady clock: CLOCK_MONOTONIC, or the virtual clock that a test installed on the calling OS
/// thread. Not the time of day: use `std::chrono::system_clock` for that.
struct clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock>;
  static constexpr bool is_steady = true;

  /// The present instant.
  /// Blocks: nothing; one `clock_gettime`, answered without entering the kernel.
  /// Threads: any.
  [[nodiscard]] static time_point now() noexcept;
};

}  // namespace cede
