// Connections that come and go.
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

}  // namespace cede::measure::compare
