// What upsets a server: connections that come and go, and a handler that never yields.
#pragma once

#include <chrono>
#include <cstdint>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"

namespace cede::measure::compare {

struct churn_shape {
  std::uint64_t connections = 0;  ///< of a storm
  unsigned storms = 0;
};

/// Connections a second that are opened, exchange one message, and are closed.
[[nodiscard]] outcome<double> measure_churn(const contestant& who, const churn_shape& shape,
                                            const ground& where);

struct hog_shape {
  unsigned hogs = 1;
  unsigned others = 100;
  std::chrono::milliseconds warm_up{};
  std::chrono::milliseconds before{};  ///< measured without hogs
  std::chrono::milliseconds during{};  ///< how long each hog keeps its handler busy
};

struct hog_sample {
  double messages_before = 0;  ///< messages/s of the others
  double messages_during = 0;
  double p99_before = 0;  ///< us
  double p99_during = 0;
  double starved = 0;  ///< connections that waited for most of the time that the hogs ran
};

[[nodiscard]] outcome<hog_sample> measure_hogs(const contestant& who, const hog_shape& shape,
                                               const ground& where);

}  // namespace cede::measure::compare
