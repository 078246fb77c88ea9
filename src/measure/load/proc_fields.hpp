// Reads the "Name:   123 kB" lines of files under /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cede::measure::load {

/// The number on the line of `text` that starts with `name` and a colon; nothing if there is no
/// such line or no number on it. The unit, if any, is left to the caller.
std::optional<std::uint64_t> proc_field(std::string_view text, std::string_view name) noexcept;

}  // namespace cede::measure::load
