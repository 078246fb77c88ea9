// Takes measurements in turns, so that what passes over the machine hits all of them alike.
#pragma once

#include <chrono>
#include <span>

#include "measure/bare/timing.hpp"
#include "measure/report/figure.hpp"

namespace cede::measure::bare {

/// How much work a figure is worth.
struct effort {
  unsigned repeats = 7;
  std::chrono::microseconds least{10'000};  ///< a sample takes at least so long
};

/// A figure to be filled in with the ns of an operation.
struct cost {
  report::figure* into;
  measurement take;
};

/// Finds for each a number of rounds that takes long enough (which also warms it up), then measures
/// all in turns, `how.repeats` times. One that has an obstacle becomes a missing figure.
/// Throws wrong_answer.
void take_all(std::span<const cost> costs, const effort& how);

/// The number of rounds from which on `take` needs at least `least`; its error otherwise.
[[nodiscard]] std::expected<std::uint64_t, std::string> enough_rounds(
    const measurement& take, std::chrono::microseconds least);

}  // namespace cede::measure::bare
