// From samples to what is reported: medians with their spread, and what to know before believing
// them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measure/compare/contestant.hpp"
#include "measure/compare/plan.hpp"
#include "measure/compare/samples.hpp"
#include "measure/report/results.hpp"

namespace cede::measure::compare {

/// What there is of one contestant.
struct findings {
  contestant who;
  contestant_samples samples = {};
  /// Why it could not be started at all.
  std::optional<std::string> missing_because = {};
  /// Why there is nothing of some numbers of connections.
  std::map<std::uint64_t, std::string> missing_at = {};
};

[[nodiscard]] report::subject subject_of(const findings& found, const effort& how);

/// A client that had no CPU left, an open loop that fell behind.
[[nodiscard]] std::vector<report::warning> warnings_about(const findings& found);

}  // namespace cede::measure::compare
