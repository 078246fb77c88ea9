// What the length of the time slice changes, where handlers are interrupted: a few that compute all
// the time, and short requests beside them.
#pragma once

#include <chrono>
#include <cstdint>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"

namespace cede::measure::compare {

struct slice_shape {
  std::chrono::microseconds slice{};
  unsigned computing = 4;
  unsigned connections = 10;  ///< those of the short requests
  double rate = 200;          ///< short requests a second, at a fixed rate
  std::chrono::milliseconds warm_up{};
  std::chrono::milliseconds settle{};  ///< of `during`, at its beginning: has no latencies
  std::chrono::milliseconds during{};
};

struct slice_sample {
  double units = 0;  ///< of work a second, of all that compute
  double p50 = 0;    ///< us, of a short request
  double p99 = 0;
  double preemptions = 0;  ///< a second
};

/// Requires: the contestant tells counts and takes slices.
[[nodiscard]] outcome<slice_sample> measure_slice(const contestant& who, const slice_shape& shape,
                                                  const ground& where);

}  // namespace cede::measure::compare
