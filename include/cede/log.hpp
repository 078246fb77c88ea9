/// \file
/// Where cede's own messages go: few lines, about things an operator should know.
///
///     cede::set_log_sink([](cede::log_level level, std::string_view line) {
///       if (level >= cede::log_level::warning) my_logger(line);
///     });
#pragma once

#include <string_view>

namespace cede {

enum class log_level { debug, info, warning, error };

/// Receives one message without prefix and line end; `line` is valid during the call only. It may
/// be called on any thread and on a fiber's small stack, several at once, and must not throw.
using log_sink = void (*)(log_level level, std::string_view line);

/// Sends all further messages to `sink` and returns the one before; nullptr stands for the default
/// in both places, which prints `cede: LINE` to stderr for warnings and errors.
/// Threads: any; a message being logged right now may still reach the previous sink.
log_sink set_log_sink(log_sink sink) noexcept;

}  // namespace cede
