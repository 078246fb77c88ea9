// A line that asks `cede load echo --turns` for a measurement.
#pragma once

#include <string>

#include "measure/load/echo_run.hpp"

namespace cede::cli {

/// What the line asks for: what is usual, but for --warm-up, --duration and --rate where the line
/// has them, written as on the command line. An empty one asks for what is usual. Errors: other
/// words, or a value that cannot be meant.
[[nodiscard]] measure::load::outcome<measure::load::echo_plan> plan_of_turn(
    const std::string& line, const measure::load::echo_plan& usual);

}  // namespace cede::cli
