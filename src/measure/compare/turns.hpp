// The turns that servers take under load, one after the other, and what several of them tell
// together.
//
// A turn is everything between two moments at which neither the server nor its client has anything
// to do, so that CPU time and messages belong together exactly.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "measure/compare/outcome.hpp"

namespace cede::measure::compare {

struct latency_sample {
  double p50 = 0;  ///< us, as the others
  double p99 = 0;
  double p999 = 0;
};

struct turn {
  double messages = 0;             ///< in all
  double messages_per_second = 0;  ///< over the whole turn
  double server_cpu = 0;           ///< us a message
  double server_busy = 0;          ///< parts of its CPU, 0 to 1
  double client_busy = 0;
  /// Neither the server nor the client had its CPU for itself: something else did.
  bool disturbed = false;
  // Against the first server in the same turn, where neither was disturbed.
  std::optional<double> rate_ratio = {};
  std::optional<double> cpu_ratio = {};
  /// Of those after the lead-in: how many were answered within so many us.
  std::map<double, double> latencies = {};
};

/// How many messages were answered within so many us, as a client reports it.
/// Errors: the report lacks it.
[[nodiscard]] outcome<std::map<double, double>> latencies_in(const nlohmann::json& report);

/// What a client reports of a turn in which its server used so much CPU time.
/// Errors: the report lacks something; no message was exchanged.
[[nodiscard]] outcome<turn> turn_from(const nlohmann::json& report,
                                      std::chrono::nanoseconds server_cpu);

/// Marks the turns that were disturbed. A server that never uses up a CPU is not told apart from
/// one that others kept from it: where that is so in most turns, none is marked.
void mark_disturbed(std::vector<turn>& turns);

/// Tells each turn how it stands to that of the first server in the same round.
void relate(std::vector<turn>& turns, const std::vector<turn>& to);

/// Percentiles over the messages of all turns.
[[nodiscard]] latency_sample latency_of(const std::vector<turn>& turns);

/// A figure of each turn that was not disturbed.
[[nodiscard]] std::vector<double> undisturbed(const std::vector<turn>& turns, double turn::* which);

/// The median. Requires: some values.
[[nodiscard]] double median_of(std::vector<double> values);

}  // namespace cede::measure::compare
