// Messages of the library itself. Public side: <cede/log.hpp>.
#pragma once

#include <cede/log.hpp>
#include <string_view>

namespace cede::base {

// Gives one line, without prefix and line end, to the installed sink. Never in a signal handler: a
// user's sink may do anything.
void log(log_level level, std::string_view line) noexcept;

}  // namespace cede::base
