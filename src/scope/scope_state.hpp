// What a scope keeps outside of the stack that it was opened on, as children and cancellers on
// other threads use it at any time.
//
// Actors: the owner (the fiber or thread that opened it), children that end, cancellers, spawners.
//
// Rules
//   1. Everything is under `lock_`, except that unpark and logging come after it.
//   2. Locks are taken down the tree only: a runnable's listeners_lock, then its scopes' `lock_`,
//      then a child's listeners_lock. Inside it a cancel may make a worker's wake-up call.
//   3. The last child takes `joiner_` out and unparks it: parking.hpp rules 3 and 4.
#pragma once

#include <cede/scope.hpp>
#include <exception>

#include "base/intrusive_list.hpp"
#include "base/spinlock.hpp"
#include "sched/parking.hpp"
#include "sched/spawned.hpp"

namespace cede::detail {

class scope_state final : public sched::child_group, public sched::cancel_listener {
 public:
  /// With an owner it is told of cancels, and lends it its deadline. The root scope of a runtime
  /// has none.
  scope_state(const scope_options& options, sched::runnable* owner) noexcept;
  ~scope_state();

  result<> join(deadline until);
  void join_without_fail() noexcept;
  void cancel() noexcept;
  void log_unseen_failure() noexcept;

  std::size_t size() noexcept;
  std::size_t failures() noexcept;
  /// An exception has been thrown since the scope was opened.
  bool unwinding() const noexcept { return std::uncaught_exceptions() > exceptions_before_; }

  void adopt(sched::spawned& child) noexcept override;
  void disown(sched::spawned& child) noexcept override;
  void ended(sched::spawned& child) noexcept override;
  void on_cancel() noexcept override { cancel(); }

 private:
  sched::wake wait_for_children(deadline until, sched::cancellation obey) noexcept;
  void cancel_locked() noexcept;
  static void log_failure(const sched::spawned& child) noexcept;
  sched::runnable* take_joiner_if_empty() noexcept;

  const scope_options options_;
  sched::runnable* const owner_;
  const clock::time_point owners_deadline_;  // to give back at the end
  const int exceptions_before_;

  base::spinlock lock_;
  base::intrusive_list<sched::spawned, sched::group_tag> children_;
  sched::runnable* joiner_ = nullptr;
  bool cancelled_ = false;
  std::size_t failures_ = 0;
  outcome first_failure_;  // until somebody has seen it
};

}  // namespace cede::detail
