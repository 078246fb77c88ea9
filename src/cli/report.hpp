// The verb `cede report`: makes the page anew from a report.json.
#pragma once

#include <filesystem>

namespace CLI {
class App;
}

namespace cede::cli {

struct report_options {
  std::filesystem::path file;
  std::filesystem::path folder = ".";
};

/// Adds `report` to the program; reading a command line then fills `into`, or throws usage_error.
/// Requires: `into` lives until the command line has been read.
CLI::App* add_report(CLI::App& program, report_options& into);

/// Writes the page and prints the table. Returns the exit code; errors have been printed.
int report(const report_options& options);

}  // namespace cede::cli
