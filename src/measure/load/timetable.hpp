// When a measurement begins and ends, and to which of its windows a message belongs.
//
//   without hogs   warm-up | before ..............................| drain
//   with hogs      warm-up | before | during (hogs at work) | after | drain
//
// Rules:
//  1. Throughput: a reply counts in the window in which it arrives. Of `during` the edges are left
//     out, for there it is not certain whether the hogs had begun, or were already done.
//  2. Latency, closed loop: the same, as a message is asked when the one before is answered.
//  3. Latency, open loop: a message counts in the window in which it is due, whenever it is
//     answered; otherwise a server would be excused for those that it kept waiting.
//  4. Latency, with hogs: a message that was due while hogs were at work, or before and not yet
//     answered then, counts as during: those are the ones that hogs can have delayed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace cede::measure::load {

enum class pacing : std::uint8_t { closed_loop, open_loop };

enum class window : std::uint8_t { before, during, after };
inline constexpr std::size_t window_count = 3;

struct timetable {
  using instant = std::chrono::nanoseconds;  // of monotonic_now()
  static constexpr instant never = instant::max();

  instant begin{};
  /// The window `before`; without hogs the only one.
  instant from{};
  instant to{};
  bool hogs = false;
  /// When the last hog was answered, and when the measurement ends. Not known before.
  instant hogs_over = never;
  instant end = never;
  /// The time between `to` and `hogs_over` in which all hogs were certainly at work.
  instant during_from = never;
  instant during_to = never;

  /// Where a reply that arrives at `at` counts (rule 1).
  std::optional<window> arriving(instant at) const noexcept;
  /// Where its latency counts (rules 2 to 4).
  std::optional<window> attributed(pacing how, instant due, instant answered) const noexcept;
  /// The window by the clock alone, its edges included: for CPU time.
  std::optional<window> running(instant at) const noexcept;
  /// The first change of window after `at`; `never` if there is none.
  instant next_boundary(instant at) const noexcept;
};

}  // namespace cede::measure::load
