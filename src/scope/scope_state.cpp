#include "scope/scope_state.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "sched/outcome_text.hpp"

namespace cede::detail {

scope_state::scope_state(const scope_options& options, sched::runnable* owner) noexcept
    : options_(options),
      owner_(owner),
      owners_deadline_(owner != nullptr ? owner->ambient_deadline : clock::time_point::max()),
      exceptions_before_(std::uncaught_exceptions()) {
  if (owner_ == nullptr) return;
  owner_->ambient_deadline = std::min(owners_deadline_, options_.until.when());
  const std::lock_guard hold(owner_->listeners_lock);
  owner_->listeners.push_back(*this);
  // Under the lock: a cancel comes either before, and is seen here, or tells us.
  cancelled_ =
      (owner_->state.load(std::memory_order_acquire) & sched::state_bit::tree_cancelled) != 0;
}

scope_state::~scope_state() {
  if (owner_ == nullptr) return;
  {
    const std::lock_guard hold(owner_->listeners_lock);
    owner_->listeners.remove(*this);
  }
  owner_->ambient_deadline = owners_deadline_;
}

void scope_state::adopt(sched::spawned& child) noexcept {
  child.group = this;
  const clock::time_point spawners = sched::current().ambient_deadline;
  child.ambient_deadline = std::min(spawners, options_.until.when());
  const std::lock_guard hold(lock_);
  children_.push_back(child);
  if (cancelled_) sched::cancel(child);
}

void scope_state::disown(sched::spawned& child) noexcept {
  sched::runnable* waiting = nullptr;
  {
    const std::lock_guard hold(lock_);
    children_.remove(child);
    waiting = take_joiner_if_empty();
  }
  if (waiting != nullptr) sched::unpark(*waiting);
}

void scope_state::ended(sched::spawned& child) noexcept {
  const outcome& how = child.result_of_body;
  const bool failed = how.failed() && how.error != errc::cancelled;
  // The root scope does not log: what it holds has a handle, whose holder sees the failure.
  if (failed && owner_ != nullptr && options_.when_one_fails == on_failure::contain)
    log_failure(child);
  sched::runnable* waiting = nullptr;
  {
    const std::lock_guard hold(lock_);
    children_.remove(child);
    if (failed) {
      ++failures_;
      if (!first_failure_.failed()) first_failure_ = how;
      if (options_.when_one_fails == on_failure::cancel) cancel_locked();
    }
    waiting = take_joiner_if_empty();
  }
  // From here on the scope may be gone.
  if (waiting != nullptr) sched::unpark(*waiting);
}

sched::runnable* scope_state::take_joiner_if_empty() noexcept {
  return children_.empty() ? std::exchange(joiner_, nullptr) : nullptr;
}

void scope_state::cancel() noexcept {
  const std::lock_guard hold(lock_);
  cancel_locked();
}

void scope_state::cancel_locked() noexcept {
  if (std::exchange(cancelled_, true)) return;
  for (sched::spawned& child : children_) sched::cancel(child);
}

sched::wake scope_state::wait_for_children(deadline until, sched::cancellation obey) noexcept {
  {
    const std::lock_guard hold(lock_);
    if (children_.empty()) return sched::wake::unparked;
    CEDE_REQUIRE(joiner_ == nullptr, "two join the same scope at once");
    joiner_ = &sched::current();
  }
  const sched::wake how = sched::park_until(sched::wait_reason::scope_join, until, obey);
  if (how == sched::wake::unparked) return how;
  {
    const std::lock_guard hold(lock_);
    if (std::exchange(joiner_, nullptr) != nullptr) return how;
  }
  sched::await_permit(sched::wait_reason::scope_join);
  return sched::wake::unparked;
}

result<> scope_state::join(deadline until) {
  switch (wait_for_children(until, sched::cancellation::obeyed)) {
    case sched::wake::cancelled:
      return failure(errc::cancelled);
    case sched::wake::deadline:
      return failure(errc::deadline_exceeded);
    case sched::wake::unparked:
      break;
  }
  outcome first;
  {
    const std::lock_guard hold(lock_);
    first = std::exchange(first_failure_, {});
  }
  if (options_.when_one_fails == on_failure::contain) return {};
  if (first.exception) std::rethrow_exception(first.exception);
  if (first.error) return std::unexpected(first.error);
  return {};
}

void scope_state::join_without_fail() noexcept {
  while (wait_for_children(never, sched::cancellation::ignored) != sched::wake::unparked) {
  }
}

std::size_t scope_state::size() noexcept {
  const std::lock_guard hold(lock_);
  return children_.size();
}

std::size_t scope_state::failures() noexcept {
  const std::lock_guard hold(lock_);
  return failures_;
}

void scope_state::log_failure(const sched::spawned& child) noexcept {
  base::log(log_level::warning,
            sched::name_of(child) + " failed: " + sched::text_of(child.result_of_body));
}

void scope_state::log_unseen_failure() noexcept {
  if (options_.when_one_fails == on_failure::contain || !first_failure_.failed()) return;
  base::log(log_level::warning,
            "a scope ended with " + std::to_string(failures_) +
                " failed children; the first: " + sched::text_of(first_failure_));
}

}  // namespace cede::detail
