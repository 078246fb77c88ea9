// In which order what is measured.
//
// Each figure is taken in several rounds, and within a round all contestants take their turns one
// after the other: what the machine does besides hits all alike. The first of a round is another
// one each time, so that nobody always follows the same. Under load they take turns within one
// trial (load_trial.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "measure/compare/churn_trial.hpp"
#include "measure/compare/hog_trial.hpp"
#include "measure/compare/load_trial.hpp"
#include "measure/compare/slice_trial.hpp"

namespace cede::measure::compare {

enum class experiment : std::uint8_t { memory, load, hogs, slices, churn };

struct trial {
  experiment what = experiment::memory;
  std::size_t contestant = 0;     ///< of load: of no meaning
  std::size_t together = 1;       ///< contestants that take part
  std::uint64_t connections = 0;  ///< of memory and load
  unsigned round = 0;
  unsigned hogs = 0;                  ///< of hogs
  std::chrono::microseconds slice{};  ///< of slices
  friend bool operator==(const trial&, const trial&) = default;
};

/// How often and how long.
struct effort {
  std::vector<std::uint64_t> connections = {};
  unsigned rounds = 3;
  std::chrono::milliseconds duration{};  ///< of a measurement under load, as --seconds has it
  double rate = 0;                       ///< messages/s of the open loop
  churn_shape churn = {};
  std::vector<unsigned> hog_counts = {1, 2, 10};
  std::vector<std::chrono::microseconds> slices = {};
  /// Of the experiments with hogs, slices among them, which are long: at most `rounds`.
  unsigned hog_rounds = 3;
  /// With one. Many need longer: each needs a slice to be known as one, and they come at once.
  hog_shape hogs = {};
  std::chrono::milliseconds settle_each{};  ///< times their number
  std::chrono::milliseconds during_each{};  ///< at the least, times their number
  slice_shape slice = {};
};

/// Seconds a measurement under load may take, as --seconds has it.
inline constexpr double least_seconds = 0.05;
inline constexpr double most_seconds = 600;

/// `seconds` is of one measurement under load.
[[nodiscard]] effort make_effort(std::vector<std::uint64_t> connections, double seconds,
                                 unsigned rounds);

[[nodiscard]] load_shape shape_of(const effort& how, std::uint64_t connections);

[[nodiscard]] hog_shape hogs_of(const effort& how, unsigned hogs);

[[nodiscard]] slice_shape slice_of(const effort& how, std::chrono::microseconds slice);

/// `preempted`: those of the contestants that take slices.
[[nodiscard]] std::vector<trial> plan_trials(const effort& how, std::size_t contestants,
                                             const std::vector<std::size_t>& preempted = {});

/// About how long it takes, in seconds, on an ordinary machine.
[[nodiscard]] double expected_seconds(const trial& what, const effort& how);

}  // namespace cede::measure::compare
