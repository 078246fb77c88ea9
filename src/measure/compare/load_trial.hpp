// How fast servers answer, and what that costs: all of them alive at once, in short turns.
//
// Whoever measures one server for seconds and then the next compares a quiet moment of the machine
// with a busy one: what its neighbours do changes within seconds. So all servers of a group, and
// their clients, are started, open their connections and stay; then each takes a short turn, always
// in the same order, round after round. Whoever has no turn does nothing: fibers and threads wait,
// clients wait for a line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"
#include "measure/compare/turns.hpp"

namespace cede::measure::compare {

/// A closed loop, in turns: each connection has a message under way all the time.
struct load_sample {
  double open_time = 0;  ///< us a connection, until its first message was answered
  std::vector<turn> turns = {};
  latency_sample latency = {};  ///< over all turns, without their lead-in
  // Each a message, over all turns:
  double voluntary_switches = 0;
  double involuntary_switches = 0;
  std::optional<double> fiber_switches = {};  ///< if the server tells them
};

/// An open loop: messages are sent at a fixed rate, whether answers come or not.
struct paced_sample {
  double wanted_rate = 0;    ///< messages/s
  double achieved_rate = 0;  ///< messages/s
  latency_sample latency = {};
};

/// How many turns, and how long.
struct load_shape {
  std::uint64_t connections = 0;
  unsigned turns = 1;
  /// Of a turn, before its latencies count: its first messages find cold caches and short queues.
  std::chrono::milliseconds lead_in{};
  std::chrono::milliseconds duration{};  ///< of the rest
  unsigned paced_turns = 1;
  std::chrono::milliseconds paced_lead_in{};
  std::chrono::milliseconds paced_duration{};
  double rate = 0;  ///< of the open loop; 0: none
};

struct load_trial {
  load_sample closed;
  std::optional<paced_sample> paced;
};

/// Of each of the group, in its order. The turns are related to the first one's.
/// Errors: begin with the name of the one that failed.
[[nodiscard]] outcome<std::vector<load_trial>> measure_load(
    const std::vector<const contestant*>& group, const load_shape& shape, const ground& where);

}  // namespace cede::measure::compare
