// `churn`: storms of connections that come, exchange one message and go. Shows the cost of a
// connection and whether the server gives back what it took.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "measure/load/conversation.hpp"
#include "measure/load/plan.hpp"
#include "measure/load/server_probe.hpp"
#include "measure/load/watch.hpp"

namespace cede::measure::load {

struct churn_plan {
  std::uint32_t rounds = 0;
  closing style = closing::graceful;
  /// Time between a storm's end and the look at the server's memory.
  std::chrono::nanoseconds settle{};
};

struct churn_report {
  std::uint32_t processes = 1;
  std::uint32_t rounds = 0;
  std::uint64_t connections = 0;
  /// Without the pauses to settle.
  std::chrono::nanoseconds duration{};
  /// The server's memory at the start and after each storm; empty where its process is not named.
  std::vector<memory_sample> memory = {};
  /// It was asked to stop before its end; only whole storms count.
  bool partial = false;

  /// How much larger the resident memory is after the last storm than after the first, in percent;
  /// 0 with fewer than two storms. The first storm fills the server's pools, so growth after it is
  /// a leak.
  double growth_percent() const noexcept;
  double connections_per_second() const noexcept;
};

outcome<churn_report> run_churn(const target_plan& plan, const churn_plan& churn,
                                const watch& onlooker = {});

}  // namespace cede::measure::load
