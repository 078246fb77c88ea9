/// \file
/// Waiting, with a mutex released, until others say that something has changed.
///
///     std::unique_lock hold(guard);
///     changed.wait(hold, [&] { return !queue.empty(); });
///
/// For a number of things to hand out use semaphore.hpp; for "it has happened", event.hpp.
#pragma once

#include <cede/error.hpp>
#include <cede/mutex.hpp>
#include <concepts>
#include <mutex>

namespace cede {

/// For fibers and OS threads together; 16 bytes. Waiters are woken first come, first served, and
/// only by a notification: there are no spurious wake-ups. (Wait for a condition all the same:
/// between the notification and the return, others may have taken the mutex and changed it.)
///
/// A notification given to a waiter counts, even if a cancel or a deadline ends its wait at the
/// same time, so it is not lost for the others. A waiter that is still in line may not be left
/// behind: destroy the object only after all waits have returned.
/// Threads: any.
class condition_variable {
 public:
  constexpr condition_variable() noexcept = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  /// Wakes the one that has waited longest, if any. Blocks: nothing.
  void notify_one() noexcept;
  /// Wakes all that wait now. Blocks: nothing.
  void notify_all() noexcept;

  /// Releases the mutex, waits for a notification, and locks again. Neither a cancel nor a deadline
  /// of a scope ends it; `wait_until` obeys them.
  /// Requires: `hold` owns its mutex. Blocks: fiber or thread.
  void wait(std::unique_lock<mutex>& hold) noexcept;
  template <std::predicate Condition>
  void wait(std::unique_lock<mutex>& hold, Condition condition) {
    while (!condition()) wait(hold);
  }

  /// As `wait`, and gives up at `until`. The mutex is locked again in any case.
  /// Errors: `deadline_exceeded`; `cancelled`, also if the caller was cancelled before.
  /// Requires: `hold` owns its mutex. Blocks: fiber or thread.
  [[nodiscard]] result<> wait_until(std::unique_lock<mutex>& hold, deadline until) noexcept;
  /// Until `condition()` holds. No error if it holds in the end, whatever has ended the wait.
  template <std::predicate Condition>
  [[nodiscard]] result<> wait_until(std::unique_lock<mutex>& hold, deadline until,
                                    Condition condition) {
    while (!condition())
      if (auto woken = wait_until(hold, until); !woken) return condition() ? result<>{} : woken;
    return {};
  }

 private:
  detail::wait_queue waiters_;
};

}  // namespace cede
