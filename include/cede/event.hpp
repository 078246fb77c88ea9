/// \file
/// Something that has happened, until it is reset.
///
///     cede::event ready;
///     auto server = cede::spawn([&] { start_up(); ready.set(); serve(); });
///     if (!ready.wait(5s)) report("no server after 5 s");
///
/// For several that have to happen use latch.hpp; for things to take, semaphore.hpp.
#pragma once

#include <atomic>
#include <cede/deadline.hpp>
#include <cede/detail/wait_queue.hpp>
#include <cede/error.hpp>

namespace cede {

/// Set or not; 24 bytes. `set` wakes all that wait and lets through all that come, until `reset`.
///
/// `set` happens-before the return of the waits that it lets through. The event may be destroyed as
/// soon as every `wait` has returned, even while the `set` that let them through is still
/// returning; an `is_set` that says yes is not enough for that.
/// Threads: any.
class event {
 public:
  constexpr event() noexcept = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  /// Blocks: nothing.
  void set() noexcept;

  /// Makes later waits wait. Those that a `set` has woken return all the same. Blocks: nothing.
  void reset() noexcept;

  /// Blocks: nothing.
  [[nodiscard]] bool is_set() const noexcept { return set_.load(std::memory_order_acquire); }

  /// Waits until it is set. If it is already, returns at once, whether or not the caller is
  /// cancelled or `until` is over: those end waits.
  /// Errors: `cancelled`, `deadline_exceeded`.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<> wait(deadline until = never) noexcept;

 private:
  std::atomic<bool> set_{false};  // changes under the queue's lock
  detail::wait_queue waiters_;
};

}  // namespace cede
