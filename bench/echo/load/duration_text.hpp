// Durations on the command line: "500ms", "3s", "1.5s", "2min", "250us".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "failure.hpp"

namespace bench::load {

/// Errors: a line that names the text and the forms that are understood. Negative durations and
/// those above a day are refused.
outcome<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "10 s", "0.25 s".
std::string seconds_text(std::chrono::nanoseconds time);

}  // namespace bench::load
