// The plots about handlers that compute: what hogs do to the others, and what the time slice
// changes.
#pragma once

#include "measure/report/plots.hpp"

namespace cede::measure::report {

/// A section without plots where there are no figures.
[[nodiscard]] section hogs_section(const results& run);
[[nodiscard]] section slices_section(const results& run);

}  // namespace cede::measure::report
