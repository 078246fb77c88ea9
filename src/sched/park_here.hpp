// The text of a park, for where it must be part of its caller: each frame between a waiting call
// and the switch is a cache line or two that has gone cold when the fiber's turn comes.
// parking.hpp has the protocol and its rules.
#pragma once

#include "base/fork_guard.hpp"
#include "sched/carrier.hpp"
#include "sched/parking.hpp"

namespace cede::sched {

// The successful exchanges are acq_rel: unpark releases what the waker wrote, consuming the permit
// acquires it (rule 5). Reads acquire, as a wait may end by a look at the state alone: what a
// canceller did before is then visible.
namespace park_order {
inline constexpr auto decide = std::memory_order_acq_rel;
inline constexpr auto retry = std::memory_order_acquire;
}  // namespace park_order

inline bool consume_permit(runnable& self, std::uint32_t& seen) noexcept {
  using namespace state_bit;
  while ((seen & permit) != 0)
    if (self.state.compare_exchange_weak(seen, seen & ~permit, park_order::decide,
                                         park_order::retry))
      return true;
  return false;
}

[[gnu::always_inline]] inline wake park_here(runnable& self, wait_reason reason, deadline until,
                                             cancellation obey) noexcept {
  using namespace state_bit;
  const bool obeys = obey == cancellation::obeyed;
  const clock::time_point end =
      obeys && self.ambient_deadline < until.when() ? self.ambient_deadline : until.when();
  const std::uint32_t published = obeys ? parked | cancellable : parked;
  self.reason.store(reason, std::memory_order_relaxed);
  wake result = wake::unparked;
  std::uint32_t seen = self.state.load(std::memory_order_acquire);
  for (;;) {
    if (consume_permit(self, seen)) break;
    if (obeys && (seen & cancelled) != 0) {
      result = wake::cancelled;
      break;
    }
    if (end != clock::time_point::max() && clock::now() >= end) {
      result = wake::deadline;
      break;
    }
    if (!self.state.compare_exchange_weak(seen, seen | published, park_order::decide,
                                          park_order::retry))
      continue;
    self.carrier->suspend(self, end);
    seen = self.state.load(std::memory_order_acquire);
  }
  self.reason.store(wait_reason::none, std::memory_order_relaxed);
  return result;
}

/// park_here for a preemptive fiber, which is not interrupted in it: it would be ready and parked
/// at once.
[[gnu::noinline]] wake park_undisturbed(runnable& self, wait_reason reason, deadline until,
                                        cancellation obey) noexcept;

/// park_until for a caller that knows itself.
[[gnu::always_inline]] inline wake park_self(runnable& self, wait_reason reason, deadline until,
                                             cancellation obey) noexcept {
  base::require_not_forked_child("waiting");
  if (has(self.capabilities, capability::may_migrate)) [[unlikely]]
    return park_undisturbed(self, reason, until, obey);
  return park_here(self, reason, until, obey);
}

}  // namespace cede::sched
