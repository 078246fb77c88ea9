// The policy of workers that run preemptive fibers: who uses its slices up pays for them.
//
// Two levels. What has been waiting goes to the foreground, first come first served within its
// priority, as everything does under other policies. A fiber that had to be interrupted, because it
// used a whole slice, goes to the background and stays there until it waits for something.
// The background runs
//   - at once, when nothing has run in the foreground for `grace`;
//   - in a gap, or for a whole slice in front of the others, as far as its credit reaches.
// Credit grows with time at the rate of the background's share, and is paid with what the
// background uses. The share is the largest of
//   - `least_share`, so that nobody starves;
//   - hogs / (hogs + fibers that were active in the foreground lately): 1/N for each of N;
//   - half of what the foreground left idle.
//
// Why the grace and the quanta: an empty ready queue is mostly a gap of microseconds, and a whole
// slice given to a hog there would cost the others that much. Measured with 100 connections and one
// hog at a slice of 1 ms, throughput kept: round robin 40 %, a slice in each gap 78 %, after 50 us
// of polling 89 %, after 200 us 96 %. But a grace alone wastes a mostly idle core (one connection:
// the hog gets 2 %), which is what the credit mends. In a gap a hog gets a quantum, which doubles
// while polls find nothing.
//
// Actors: the worker's thread ("the owner"); thieves, which are other workers' threads.
// Who may touch what: `movable_`, `background_` and what they hold under `lock_`; `spare_`,
// `rescuing_` and, to read it, `expirations_` by anyone; everything else by the owner.
// Rules
//   1. A fiber that may migrate stands in `movable_` or `background_` only while it is off its
//      stack: a thief may run it from that moment on.
//   2. Thieves take from the background what the owner left there when it last chose, so never the
//      one that it is about to choose again. Where the owner is stuck a spare thread takes anything
//      (borrow), and puts what it interrupts back with expired().
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <chrono>
#include <optional>

#include "base/spinlock.hpp"
#include "sched/policy.hpp"

namespace cede::sched {

/// Bits of `runnable::standing`.
namespace standing_bit {
inline constexpr std::uint8_t background = 0x80;
inline constexpr std::uint8_t pinned = 0x40;  // may not migrate for the moment
inline constexpr std::uint8_t window = 0x3f;  // the last one in which it was counted as active
}  // namespace standing_bit

/// While it lives, `self` stays on its worker. Made and destroyed by `self`, in a region.
class pinning {
 public:
  explicit pinning(runnable& self) noexcept : self_(self) {
    self_.standing |= standing_bit::pinned;
  }
  ~pinning() { self_.standing &= static_cast<std::uint8_t>(~standing_bit::pinned); }
  pinning(const pinning&) = delete;
  pinning& operator=(const pinning&) = delete;

 private:
  runnable& self_;
};

class fair_policy final : public policy {
 public:
  struct tuning {
    clock::duration slice = std::chrono::milliseconds(10);
    clock::duration first_quantum = std::chrono::microseconds(50);
    clock::duration grace = std::chrono::microseconds(200);
    clock::duration window = std::chrono::milliseconds(10);
    double least_share = 0.05;
  };

  explicit fair_policy(const tuning& how, clock::time_point now) noexcept;

  void awakened(runnable& r) noexcept override;
  /// Null also if only the background is ready and must wait: `waits_until` says how long.
  runnable* pick_next() noexcept override;
  bool has_ready() const noexcept override { return urgent() || !background_empty(); }
  bool urgent() const noexcept override;
  std::size_t ready_count() const noexcept override;
  const runnable* upcoming() const noexcept override;

  /// `r` was interrupted, and is off its stack. Any thread.
  void expired(runnable& r) noexcept;
  /// How many times so far. Any thread.
  std::uint64_t expirations() const noexcept {
    return expirations_.load(std::memory_order_relaxed);
  }

  /// The time; the owner tells it right before it picks, having looked for events.
  void tick(clock::time_point now) noexcept;

  /// How long the one picked last may run before others must be looked at; zero: a whole slice,
  /// to be measured by who watches the worker.
  clock::duration quantum() const noexcept { return picked_quantum_; }

  /// When the one picked last begins, if that is known without a look at the clock, and worth to be
  /// told, as there are hogs: others that come with them should not have longer than a slice.
  std::optional<clock::time_point> known_begin() const noexcept {
    if (!picked_first_ || background_empty()) return std::nullopt;
    return last_tick_;
  }

  /// When, after a pick that gave null, the background may run; max() if there is none.
  clock::time_point waits_until() const noexcept;

  /// Takes out up to `most` for a thief. Any thread.
  run_queue give(std::size_t most) noexcept;
  /// Whether there is something to give. Any thread.
  bool spares() const noexcept;
  /// Takes out one that may migrate, whatever level it is on; null if there is none. The owner is
  /// stuck, and a spare thread runs it instead. Any thread.
  runnable* borrow() noexcept;
  /// Ready ones that may migrate. Any thread.
  std::size_t movable_count() const noexcept {
    return movable_count_.load(std::memory_order_relaxed) +
           background_count_.load(std::memory_order_relaxed);
  }

  /// What the background gets of the time now.
  double share() const noexcept;

 private:
  bool background_empty() const noexcept {
    return background_count_.load(std::memory_order_relaxed) == 0;
  }
  bool movable_empty() const noexcept {
    return movable_count_.load(std::memory_order_relaxed) == 0;
  }
  void push(class_queues& queue, std::atomic<std::uint32_t>& count, runnable& r) noexcept;
  runnable* pop(class_queues& queue, std::atomic<std::uint32_t>& count) noexcept;
  void move_out(class_queues& queue, std::atomic<std::uint32_t>& count, std::size_t wanted,
                run_queue& loot) noexcept;
  runnable* pick_background() noexcept;
  runnable* pick_foreground() noexcept;
  runnable* pick_from_both() noexcept;
  void count_active(runnable& r) noexcept;
  void account(clock::duration passed) noexcept;
  void close_window() noexcept;

  const tuning how_;
  class_queues pinned_;
  bool movable_turn_ = false;
  unsigned passed_over_ = 0;  // picks in a row that passed the less urgent queue over

  // Time, and who has run since the last tick.
  clock::time_point last_tick_;
  clock::time_point last_foreground_;
  clock::duration credit_{0};
  clock::duration gap_quantum_;
  clock::duration next_quantum_{0};  // not zero: the background is next
  clock::duration picked_quantum_{0};
  std::atomic<std::uint64_t> expirations_{0};  // written by the owner alone
  bool foreground_ran_ = false;
  bool picked_first_ = false;  // the one picked last is the first of the foreground since the tick
  bool background_ran_ = false;
  bool background_waited_ = false;  // at the last tick
  bool foreground_owed_ = false;    // the background was the last to run: whoever waits comes first

  // The window that is open, without the time of the background, and what the last one showed.
  clock::duration window_foreground_{0};
  clock::duration window_idle_{0};
  std::uint32_t window_active_ = 0;
  std::uint8_t window_number_ = 1;
  std::uint32_t active_ = 0;
  double idle_ = 0;

  alignas(64) mutable base::spinlock lock_;
  class_queues movable_;
  class_queues background_;
  std::atomic<std::uint32_t> movable_count_{0};
  std::atomic<std::uint32_t> background_count_{0};
  std::atomic<std::uint32_t> spare_{0};
};

}  // namespace cede::sched
