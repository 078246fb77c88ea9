// The verb `cede compare`: what a connection costs as a thread and as a fiber, on this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/load.hpp"
#include "cli/server_kinds.hpp"

namespace CLI {
class App;
}

namespace cede::cli {

/// What is left out has the value that the depth of the run gives it.
struct compare_options {
  std::vector<const server_kind*> kinds;  ///< empty: all
  std::vector<std::string> peers;
  std::vector<std::uint64_t> connections;
  std::optional<double> seconds;
  std::optional<unsigned> rounds;
  std::optional<std::string> folder;  ///< for report.json and report.html
  report_format format = report_format::text;
  bool quick = false;
  bool bare = true;
};

/// Adds `compare` to the program; reading a command line then fills `into`, or throws usage_error.
/// Requires: `into` lives until the command line has been read.
CLI::App* add_compare(CLI::App& program, compare_options& into);

/// Runs the comparison and prints its table, or its report as JSON; progress goes to stderr.
/// Returns the exit code: 1 if an answer was wrong or a server failed, 128 and the signal's number
/// (130, 143) if it was told to end.
/// Throws usage_error where this machine cannot have what was asked for.
int compare(const compare_options& options);

}  // namespace cede::cli
