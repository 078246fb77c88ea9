// The costs without connections, measured by a process of its own.
#pragma once

#include "measure/compare/comparison.hpp"
#include "measure/report/results_json.hpp"

namespace cede::measure::compare {

/// Runs `cede bare` on all CPUs. Requires: not `none`.
[[nodiscard]] outcome<report::bare_results> measure_bare_costs(comparison::bare_costs how_deep,
                                                               const ground& where);

[[nodiscard]] double expected_bare_seconds(comparison::bare_costs how_deep);

}  // namespace cede::measure::compare
