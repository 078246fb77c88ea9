// Results for a terminal, at most 80 columns wide.
#pragma once

#include <string>

#include "measure/report/results_json.hpp"

namespace cede::measure::report {

/// The answer, the tables, and why what is missing is missing.
[[nodiscard]] std::string terminal_table(const results& run);

/// The bare costs and the cold caches alone.
[[nodiscard]] std::string terminal_table(const bare_results& part);

}  // namespace cede::measure::report
