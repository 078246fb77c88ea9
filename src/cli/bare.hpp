// The verb `cede bare`: what switching, spawning and waking cost by themselves.
#pragma once

#include <cstdint>

#include "cli/load.hpp"
#include "measure/bare/bare.hpp"

namespace CLI {
class App;
}

namespace cede::cli {

struct bare_options {
  measure::bare::depth how_deep = measure::bare::depth::full;
  report_format format = report_format::text;
};

/// Adds `bare` to the program; reading a command line then fills `into`, or throws usage_error.
/// Requires: `into` lives until the command line has been read.
CLI::App* add_bare(CLI::App& program, bare_options& into);

/// Prints a table, or the JSON that `cede compare` reads from its child, and returns the exit code.
int bare(const bare_options& options);

}  // namespace cede::cli
