// `idle`: what an idle connection costs the server in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "measure/load/conversation.hpp"
#include "measure/load/lead.hpp"
#include "measure/load/plan.hpp"
#include "measure/load/server_probe.hpp"
#include "measure/load/watch.hpp"

namespace cede::measure::load {

/// When `idle` exchanges messages.
enum class exchanges : std::uint8_t {
  always,  ///< one when a connection is opened, one at the end
  late,    ///< one at the end only: what is weighed has seen none
  never,
};

struct idle_plan {
  exchanges messages = exchanges::always;
  /// Connections to open before the first look.
  std::uint32_t first = 1;
  /// Time between the last connection and the look at the server's memory.
  std::chrono::nanoseconds settle{};
  /// Time that the connections then stay open.
  std::chrono::nanoseconds hold{};
};

struct idle_report {
  std::uint32_t connections = 0;
  std::uint32_t processes = 1;
  std::chrono::nanoseconds opening{};
  std::optional<memory_growth> memory;
  /// It was asked to stop before its end.
  bool partial = false;
};

/// Opens the plan's connections and, where the plan names the server's process, measures what they
/// cost it. The first connections are open before the first look at the memory, so that what a
/// server sets up once is not charged to the others.
outcome<idle_report> open_and_weigh(lead& leader, const target_plan& plan, greeting first,
                                    const idle_plan& idle);

/// Opens connections, weighs, holds them, and (if messages are wanted) checks at the end that every
/// one of them still answers.
/// Blocks: the thread, as all runs do.
outcome<idle_report> run_idle(const target_plan& plan, const idle_plan& idle,
                              const watch& onlooker = {});

}  // namespace cede::measure::load
