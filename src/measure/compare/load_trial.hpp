// How fast a server answers, and what that costs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"

namespace cede::measure::compare {

struct latency_sample {
  double p50 = 0;  ///< us, as the others
  double p99 = 0;
  double p999 = 0;
};

/// A closed loop: each connection has a message under way all the time.
struct load_sample {
  double open_time = 0;  ///< us a connection, until its first message was answered
  double messages_per_second = 0;
  latency_sample latency = {};
  // Each a message, over all messages of the loop:
  double server_cpu = 0;  ///< us
  double voluntary_switches = 0;
  double involuntary_switches = 0;
  std::optional<double> fiber_switches = {};  ///< if the server tells them
  double client_busy = 0;                     ///< parts of the CPU, 0 to 1, while measuring
  double server_busy = 0;
};

/// An open loop: messages are sent at a fixed rate, whether answers come or not.
struct paced_sample {
  double wanted_rate = 0;    ///< messages/s
  double achieved_rate = 0;  ///< messages/s
  latency_sample latency = {};
};

/// How long, and how much, a loop is.
struct load_shape {
  std::uint64_t connections = 0;
  std::chrono::milliseconds warm_up{};
  std::chrono::milliseconds duration{};
  double rate = 0;  ///< of the open loop; 0: none
};

struct load_trial {
  load_sample closed;
  std::optional<paced_sample> paced;
};

[[nodiscard]] outcome<load_trial> measure_load(const contestant& who, const load_shape& shape,
                                               const ground& where);

}  // namespace cede::measure::compare
