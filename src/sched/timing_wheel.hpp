// Timers of one worker: a hierarchical timing wheel.
//
// Source: G. Varghese, T. Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 6.
// This one differs in two ways: slots have bitmaps, so an idle worker finds its next deadline
// without walking empty slots, and timers of the current tick are compared exactly, so a timer
// never fires early and, in virtual time, fires at its very nanosecond.
//
// Arming and disarming are O(1). Used by its worker's thread only; nothing here is atomic.
#pragma once

#include <array>
#include <cede/clock.hpp>
#include <cstddef>
#include <cstdint>

#include "base/intrusive_list.hpp"

namespace cede::sched {

struct timer_tag {};

struct timer : base::list_hook<timer_tag> {
  using fire_function = void (*)(timer&) noexcept;
  clock::time_point when{};
  fire_function fire = nullptr;
  std::uint16_t place = 0;  // level and slot, while armed
};

class timing_wheel {
 public:
  explicit timing_wheel(clock::time_point start) noexcept;
  timing_wheel(const timing_wheel&) = delete;
  timing_wheel& operator=(const timing_wheel&) = delete;

  /// Requires: not armed. `t.fire` runs in `advance` once `t.when` has come.
  void arm(timer& t) noexcept;

  /// No effect if it is not armed.
  void disarm(timer& t) noexcept;

  /// Fires every timer whose time is at or before `now`, in order of ticks.
  void advance(clock::time_point now) noexcept;

  /// No timer fires before this; clock::time_point::max() if none is armed. Exact for timers of
  /// the innermost wheel, a lower bound for those further out (which only costs an early look).
  clock::time_point next() noexcept;

  std::size_t armed() const noexcept { return armed_; }

 private:
  // 2^16 ns (65.5 us) a tick; 64 slots a level; 6 levels span 2^52 ns (52 days). A later timer
  // waits in the last slot of the outermost wheel and is placed anew when that turns.
  static constexpr unsigned tick_shift = 16;
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1u << slot_bits;
  static constexpr unsigned levels = 6;
  using slot_list = base::intrusive_list<timer, timer_tag>;

  static std::uint64_t tick_of(clock::time_point when) noexcept;
  void place(timer& t) noexcept;
  void cascade(std::uint64_t tick) noexcept;
  void drain_past(slot_list& slot, clock::time_point now) noexcept;
  void fire_present(slot_list& slot, clock::time_point now) noexcept;
  std::uint64_t next_busy_tick() const noexcept;

  std::uint64_t tick_;  // every tick before this one has been fired
  std::size_t armed_ = 0;
  std::array<std::uint64_t, levels> busy_{};  // a bit for each slot that holds a timer
  std::array<std::array<slot_list, slots>, levels> wheel_{};
};

}  // namespace cede::sched
