// `idle`: what an idle connection costs the server in memory.
#pragma once

#include <chrono>
#include <optional>

#include "measure/load/crowd.hpp"
#include "measure/load/server_probe.hpp"

namespace cede::measure::load {

struct idle_plan {
  greeting first = greeting::exchanged;
  /// Time between the last connection and the look at the server's memory.
  std::chrono::nanoseconds settle{};
  /// Time that the connections then stay open.
  std::chrono::nanoseconds hold{};
};

struct idle_report {
  std::uint32_t connections = 0;
  std::chrono::nanoseconds opening{};
  std::optional<memory_growth> memory;
};

/// Opens the plan's connections in `members` and, where the plan names the server's process,
/// measures what they cost it. The first connection is open before the first look at the memory, so
/// that what a server sets up once is not charged to the others.
outcome<idle_report> open_and_weigh(crowd& members, const target_plan& plan, greeting first,
                                    std::chrono::nanoseconds settle);

/// Opens connections, weighs, holds them, and (unless the greeting is omitted) checks at the end
/// that every one of them still answers.
outcome<idle_report> run_idle(const target_plan& plan, const idle_plan& idle);

}  // namespace cede::measure::load
