// What a loop has counted, in each window; tallies of several parts add up to that of all.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>

#include "measure/load/histogram.hpp"
#include "measure/load/timetable.hpp"

namespace cede::measure::load {

struct window_tally {
  /// Replies that arrived.
  std::uint64_t messages = 0;
  /// Nanoseconds from when a message was due to its reply, of the messages attributed here.
  histogram latency;
  /// Messages due here that had no reply at the end; `latency` holds their age then.
  std::uint64_t unanswered = 0;
  /// How many connections had so many replies: number of replies, connections.
  std::map<std::uint32_t, std::uint32_t> connections_by_replies;
  /// CPU time of the load generator.
  std::chrono::nanoseconds client_cpu{};

  void add(const window_tally& other);
};

struct loop_tally {
  std::array<window_tally, window_count> windows;
  /// Open loop: nanoseconds by which messages were sent too late although their connection was
  /// free: the fault of the load generator.
  histogram lateness;
  /// Replies from the beginning to the end, those outside the windows too.
  std::uint64_t messages_in_all = 0;
  /// From the beginning to the last reply: the time of all these messages.
  std::chrono::nanoseconds lasted{};
  /// When it was over; earlier than planned if it was asked to stop.
  timetable::instant ended{};

  window_tally& at(window which) noexcept { return windows[static_cast<std::size_t>(which)]; }
  const window_tally& at(window which) const noexcept {
    return windows[static_cast<std::size_t>(which)];
  }
  void add(const loop_tally& other);
};

}  // namespace cede::measure::load
