/// \file
/// Waiting for a number of things to have happened, once.
///
///     cede::latch loaded(tables.size());
///     for (auto& table : tables) scope.spawn([&] { table.load(); loaded.count_down(); });
///     if (auto all = loaded.wait(); !all) return all;
///
/// It does not start again. To wait for fibers to end, a `cede::scope` needs no counting.
#pragma once

#include <atomic>
#include <cede/deadline.hpp>
#include <cede/detail/wait_queue.hpp>
#include <cede/error.hpp>
#include <cstddef>

namespace cede {

/// Counts down to zero, where it stays; 24 bytes.
///
/// `count_down` happens-before the return of the waits that the last one lets through. The latch
/// may be destroyed as soon as every `wait` has returned, even while the last `count_down` is still
/// returning; a `try_wait` that says yes is not enough for that.
/// Threads: any.
class latch {
 public:
  /// Requires: count >= 0.
  explicit constexpr latch(std::ptrdiff_t count) noexcept : count_(count) {
    if (count < 0) broken_initial_count();
  }
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  /// Takes `by` off; at zero all waiters are woken.
  /// Requires: 0 <= by <= what is left. Blocks: nothing.
  void count_down(std::ptrdiff_t by = 1) noexcept;

  /// Whether the count is zero. Blocks: nothing.
  [[nodiscard]] bool try_wait() const noexcept {
    return count_.load(std::memory_order_acquire) == 0;
  }

  /// Waits until the count is zero. If it is already, returns at once, whether or not the caller is
  /// cancelled or `until` is over: those end waits.
  /// Errors: `cancelled`, `deadline_exceeded`.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<> wait(deadline until = never) noexcept;

  /// `count_down()`, then `wait`. The count stays taken off, whatever ends the wait.
  /// Errors: `cancelled`, `deadline_exceeded`.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<> arrive_and_wait(deadline until = never) noexcept {
    count_down();
    return wait(until);
  }

 private:
  [[noreturn]] static void broken_initial_count() noexcept;

  std::atomic<std::ptrdiff_t> count_;
  detail::wait_queue waiters_;
};

}  // namespace cede
