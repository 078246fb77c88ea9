// `echo`: a closed loop. Every connection has one message outstanding all the time; so latencies
// include the wait behind the other connections, and a stalled server lowers the rate instead of
// queueing more.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "measure/load/crowd.hpp"
#include "measure/load/histogram.hpp"
#include "measure/load/idle_run.hpp"

namespace cede::measure::load {

struct echo_plan {
  std::chrono::nanoseconds warm_up{};
  std::chrono::nanoseconds duration{};
  std::chrono::nanoseconds settle{};
};

struct echo_report {
  idle_report opened;
  std::chrono::nanoseconds duration{};
  std::uint64_t messages = 0;
  /// Also those of the warm-up and the end: all between the stages `opened` and `measured`.
  std::uint64_t messages_in_all = 0;
  /// Connections with at least one reply in the measured time.
  std::uint32_t connections_served = 0;
  /// Nanoseconds.
  histogram latency;
  /// CPU time of this client and, where its process is named, of the server, in the measured time.
  std::chrono::nanoseconds client_cpu{};
  std::optional<std::chrono::nanoseconds> server_cpu;
};

/// Opens the connections, warms up, measures, and waits for the replies still outstanding.
/// Errors: any wrong, missing or surplus byte; a connection that gets no reply in the plan's
/// timeout.
outcome<echo_report> run_echo(const target_plan& plan, const echo_plan& echo);

}  // namespace cede::measure::load
