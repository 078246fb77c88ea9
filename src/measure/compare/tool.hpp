// Runs a compiler or another tool to its end.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cede::measure {

struct tool_run {
  std::vector<std::string> command;         ///< the first is a path
  std::filesystem::path folder = {};        ///< to run in; empty: this process's own
  std::vector<std::string> variables = {};  ///< NAME=VALUE, on top of this process's environment
};

/// The first executable file `name` in these folders.
[[nodiscard]] std::optional<std::filesystem::path> find_tool(
    std::string_view name, std::span<const std::filesystem::path> folders);

/// Runs it with stdin empty and all its output in the file `log`.
/// Errors: why it did not end with 0, such as "ended with code 2".
/// Blocks: the thread.
std::expected<void, std::string> run_tool(const tool_run& what, const std::filesystem::path& log);

/// What it printed, on stdout and stderr, without trailing white space.
/// Errors: as run_tool.
[[nodiscard]] std::expected<std::string, std::string> output_of(const tool_run& what);

}  // namespace cede::measure
