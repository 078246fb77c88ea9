// Files of a run.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "measure/report/results.hpp"

namespace cede::measure::report {

struct written_report {
  std::filesystem::path json;
  std::filesystem::path page;
};

/// Writes report.json and report.html to `folder`, which is made if it is not there. Each appears
/// whole or not at all; what was there before is replaced.
/// Errors: one line that names the file, why, and what to do.
[[nodiscard]] std::expected<written_report, std::string> write_report(
    const results& run, const std::filesystem::path& folder);

/// The results in a report.json. Errors: one line that names the file.
[[nodiscard]] std::expected<results, std::string> read_report(const std::filesystem::path& file);

}  // namespace cede::measure::report
