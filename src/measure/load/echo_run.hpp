// `echo`: messages over many connections, each answered and compared byte by byte.
//
// In a closed loop every connection has one message outstanding all the time: latencies include the
// wait behind the other connections, and a stalled server lowers the rate. In an open loop messages
// are due at a fixed rate whatever the server does, and their time counts from then: a stall shows
// in every message that was due while it lasted (no coordinated omission).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "measure/load/idle_run.hpp"
#include "measure/load/tally.hpp"

namespace cede::measure::load {

struct echo_plan {
  std::chrono::nanoseconds warm_up{};
  std::chrono::nanoseconds duration{};
  std::chrono::nanoseconds settle{};
  /// Messages a second over all connections, for an open loop; 0 for a closed one.
  double rate = 0;
  /// Further connections that make the server hog, all at once after `duration`; the others are
  /// then measured until the last hog is answered, and for `recovery` after that. Requires: a
  /// hog_byte in the target's plan.
  std::uint32_t hogs = 0;
  /// From the hogs' first message on; does not count. At least a twentieth of their time does not,
  /// at either end.
  std::chrono::nanoseconds hog_settle{};
  /// Nothing: as long as `duration`.
  std::optional<std::chrono::nanoseconds> recovery = {};
  /// Silence of the server towards hogs that is taken for a fault.
  std::chrono::nanoseconds hog_limit = std::chrono::minutes(1);
};

/// Replies of each connection in a window.
struct reply_spread {
  std::uint32_t connections = 0;
  /// Connections with at least one.
  std::uint32_t served = 0;
  std::uint32_t least = 0;
  std::uint32_t median = 0;
  std::uint32_t most = 0;
};

struct window_report {
  std::chrono::nanoseconds duration{};
  window_tally counted;
  /// CPU time of the server, where its process is named.
  std::optional<std::chrono::nanoseconds> server_cpu;

  double messages_per_second() const noexcept;
  reply_spread replies() const noexcept;
};

struct hog_report {
  std::uint32_t hogs = 0;
  /// From their first message to the last one's reply.
  std::chrono::nanoseconds lasted{};
  /// While all hogs were certainly at work and had settled; but CPU times are those of their whole
  /// time.
  window_report during;
  window_report after;
};

struct echo_report {
  idle_report opened;
  /// As in the plan.
  double rate = 0;
  window_report measured;
  std::optional<hog_report> hogged;
  /// Also those of the warm-up and the end: all between the stages `opened` and `measured`.
  std::uint64_t messages_in_all = 0;
  /// From the beginning of the first of them to the last reply.
  std::chrono::nanoseconds lasted{};
  /// Open loop: nanoseconds by which messages were sent late although their connection was free.
  histogram lateness;
  /// It was asked to stop before its end.
  bool partial = false;
};

/// Opens the connections, warms up, measures, and waits for the replies still outstanding.
/// Errors: any wrong, missing or surplus byte; a connection that gets no reply in the plan's
/// timeout.
outcome<echo_report> run_echo(const target_plan& plan, const echo_plan& echo,
                              const watch& onlooker = {});

/// Who has a run measure several times over the same connections. Between two turns nothing is
/// under way, and neither end has anything to do.
struct turn_master {
  /// What to do next; nothing: it is over. Called once all connections are open, and after each
  /// turn.
  std::function<outcome<std::optional<echo_plan>>()> next;
  /// A turn's report. One that was stopped is the last.
  std::function<outcome<>(const echo_report&)> done;
};

/// As run_echo, but measures once for each turn that there is. The stage `measured` is not called:
/// `turn_master::next` is.
/// Returns: what opening the connections took; partial if it was asked to stop.
outcome<idle_report> run_turns(const target_plan& plan, const echo_plan& echo,
                               const turn_master& turns, const watch& onlooker = {});

}  // namespace cede::measure::load
