// The kinds of server that `cede serve` knows: one table for its option, its messages and for
// `cede compare`, which measures each of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "measure/report/results.hpp"

namespace cede::cli {

/// What runs a connection.
enum class echo_kind : std::uint8_t { cooperative, preemptive, os_thread, os_thread_fifo };

struct server_kind {
  echo_kind value;
  std::string_view name;   ///< as --kind has it
  std::string_view title;  ///< for people, at most 30 characters
  measure::report::nature is;
};

/// In the order in which they are shown.
[[nodiscard]] std::span<const server_kind> server_kinds() noexcept;

[[nodiscard]] const server_kind& about(echo_kind kind) noexcept;

/// Throws usage_error for a word that is no kind's name.
[[nodiscard]] const server_kind& parse_server_kind(std::string_view option, std::string_view text);

}  // namespace cede::cli
