/// \file
/// Mutual exclusion among fibers and OS threads.
///
///     cede::mutex guard;
///     {
///       const std::lock_guard hold(guard);
///       balance += amount;        // a fiber may even wait in here: its worker runs others
///     }
///
/// It is not recursive. A `std::mutex` that a fiber holds while it waits can block the worker that
/// would have to run the fiber to get it released; this one can not.
#pragma once

#include <atomic>
#include <cede/deadline.hpp>
#include <cede/detail/wait_queue.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>

namespace cede {

namespace sched {
runnable& current() noexcept;
}  // namespace sched

/// Held by one fiber or thread at a time; 24 bytes. Meets Lockable and TimedLockable, so
/// `std::lock_guard`, `std::unique_lock` and `std::scoped_lock` work.
///
/// Who is next: waiters stand in line, first come, first served, and `unlock` wakes the first. Who
/// comes while that one wakes up may still overtake it, as handing a lock to somebody who is asleep
/// would make all others wait for the awakening. One that was overtaken goes back to the front of
/// the line, and after a few times the next `unlock` hands the mutex over to it: nobody starves.
///
/// `unlock` of one lock happens-before the return of the next. The mutex may be destroyed once
/// nobody is in `lock`, even while the `unlock` of the last holder but one is still returning.
class mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Waits until the mutex is free and takes it. Neither a cancel nor the deadline of a scope ends
  /// the wait: a lock that may fail would leave a destructor helpless. `try_lock_until` gives up.
  /// Requires: the caller does not hold it; checked where it would wait for itself for good.
  /// Blocks: fiber or thread. Threads: any.
  void lock() noexcept {
    const word self = caller();
    word seen = 0;
    if (!state_.compare_exchange_strong(seen, self, taken, std::memory_order_relaxed)) [[unlikely]]
      lock_contended(self);
  }

  /// Takes the mutex if it is free. Does not fail without a cause.
  /// Blocks: nothing. Threads: any.
  [[nodiscard]] bool try_lock() noexcept {
    word seen = 0;
    return state_.compare_exchange_strong(seen, caller(), taken, std::memory_order_relaxed) ||
           try_lock_contended(seen);
  }

  /// As `lock`, but gives up at `until`: false. A free mutex is taken even if that is over.
  /// Blocks: fiber or thread. Threads: any.
  [[nodiscard]] bool try_lock_until(deadline until) noexcept;
  /// For std::unique_lock, with the time points of other clocks.
  template <class Clock, class Duration>
    requires(!std::same_as<Clock, clock>)
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> instant) noexcept {
    return try_lock_until(deadline(instant - Clock::now()));
  }
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> time) noexcept {
    return try_lock_until(deadline(time));
  }

  /// Releases it and wakes the first in line.
  /// Requires: the caller holds it; checked in debug builds, and always when others wait.
  /// Blocks: nothing.
  void unlock() noexcept {
#ifndef NDEBUG
    require_held();
#endif
    // Relaxed: whoever holds the mutex wrote this word, or was given it.
    word seen = state_.load(std::memory_order_relaxed);
    if ((seen & flags) != 0 ||
        !state_.compare_exchange_strong(seen, 0, given, std::memory_order_relaxed)) [[unlikely]]
      unlock_contended();
  }

 private:
  friend class condition_variable;
  using word = std::uintptr_t;

  // Acquire pairs with the release of whoever unlocked.
  static constexpr auto taken = std::memory_order_acquire;
  static constexpr auto given = std::memory_order_release;
  static constexpr word flags = 7;  // low bits of the state; src/sync/mutex.cpp has the protocol

  static word caller() noexcept { return reinterpret_cast<word>(&sched::current()); }

  void lock_contended(word self) noexcept;
  [[nodiscard]] bool try_lock_contended(word seen) noexcept;
  [[nodiscard]] bool wait_for_lock(word self, deadline until) noexcept;
  [[nodiscard]] bool take_if_free(word self, word clear) noexcept;
  [[nodiscard]] bool announce(word self, unsigned wakes) noexcept;
  void unlock_contended() noexcept;
  [[nodiscard]] bool wake_first() noexcept;
  void require_held() const noexcept;

  std::atomic<word> state_{0};
  detail::wait_queue waiters_;
};

static_assert(sizeof(mutex) == 24);

}  // namespace cede
