// Times in messages for people.
#pragma once

#include <chrono>
#include <string>

namespace cede::measure::load {

/// "10 s", "0.25 s".
std::string seconds_text(std::chrono::nanoseconds time);

}  // namespace cede::measure::load
