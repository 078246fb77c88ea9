// Results as text: report.json.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::report {

/// The whole run, indented for people; ends in a newline. What `from_json` reads back is equal.
[[nodiscard]] std::string to_json(const results& run);

/// Reads what `to_json` wrote. What is absent is left as a new `results` has it (figures: "not
/// measured") and what is not known is passed over, so reports of other minor versions can be read.
/// Errors: one line that names the place: no JSON, another schema version, a value of a wrong type
/// or out of range.
[[nodiscard]] std::expected<results, std::string> from_json(std::string_view text);

/// The part that a process of its own measures, for its parent to read.
struct bare_results {
  std::vector<bare_costs> bare = {};
  std::vector<refill_curve> refill = {};
  std::vector<warning> warnings = {};
  friend bool operator==(const bare_results&, const bare_results&) = default;
};

[[nodiscard]] std::string to_json(const bare_results& part);
[[nodiscard]] std::expected<bare_results, std::string> bare_from_json(std::string_view text);

}  // namespace cede::measure::report
