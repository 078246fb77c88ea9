/// \file
/// A number of units to hand out: how many may do something at once, or how much there is to take.
///
///     cede::semaphore slots(8);
///     if (slots.acquire(2s)) {
///       query_database();
///       slots.release();
///     }
///
/// With one unit it is no mutex: nobody owns it, so anybody may release.
#pragma once

#include <atomic>
#include <cede/deadline.hpp>
#include <cede/detail/wait_queue.hpp>
#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>

namespace cede {

/// Counts units; 24 bytes. Waiters get theirs first come, first served, and nobody who comes later
/// takes one before them. A unit handed to a waiter is its own, even if a cancel or a deadline ends
/// its wait at the same time: `acquire` then succeeds.
///
/// `release` happens-before the `acquire` that gets the unit. The semaphore may be destroyed as
/// soon as nobody is in `acquire`, even while the `release` that let the last one out is still
/// returning.
/// Threads: any.
class semaphore {
 public:
  /// With so many units to start with. Requires: 0 <= units <= most.
  explicit constexpr semaphore(std::ptrdiff_t units) noexcept : state_(initial_state(units)) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// The greatest number of units that it can hold.
  static constexpr std::ptrdiff_t most = PTRDIFF_MAX / 4;

  /// Takes a unit, waiting until there is one. One that is there is taken at once, whether or not
  /// the caller is cancelled or `until` is over: those end waits.
  /// Errors: `cancelled`, `deadline_exceeded`; no unit was taken then.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<> acquire(deadline until = never) noexcept;

  /// Takes a unit if there is one. Blocks: nothing.
  [[nodiscard]] bool try_acquire() noexcept;

  /// Gives `units` back, or adds them, and wakes as many waiters.
  /// Requires: units >= 0 and the sum does not exceed `most`. Blocks: nothing.
  void release(std::ptrdiff_t units = 1) noexcept;

  /// How many units are there right now; for reports.
  [[nodiscard]] std::ptrdiff_t available() const noexcept {
    return state_.load(std::memory_order_relaxed) >> 1;
  }

 private:
  using word = std::int64_t;

  static constexpr word initial_state(std::ptrdiff_t units) noexcept {
    if (units < 0 || units > most) broken_initial_count();
    return word{units} * 2;
  }
  [[noreturn]] static void broken_initial_count() noexcept;
  [[nodiscard]] bool announce() noexcept;
  [[nodiscard]] bool hand_out(std::ptrdiff_t units) noexcept;

  std::atomic<word> state_;  // units * 2 + whether somebody waits; src/sync/semaphore.cpp
  detail::wait_queue waiters_;
};

}  // namespace cede
