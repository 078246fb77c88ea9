// Parking: how a runnable waits, and how anybody wakes it.
//
// Actors: the waiter ("self"), wakers (unpark), cancellers, and self's carrier (deadline).
//
// States of `runnable::state` (other bits are carried along):
//   running            no parked bit
//   running + permit   an unpark came first; the next park consumes it and does not wait
//   parked             self has given up, or is just giving up, the CPU
//
// Rules
//   1. Whoever clears `parked` calls carrier->ready(self), exactly once. Clearing is a
//      compare-and-swap, so of a waker, a canceller and a deadline one wins.
//   2. A permit is exact: one unpark, one park that returns `unparked`. There are no spurious
//      wake-ups.
//   3. A waiter registers somewhere (a wait queue, a descriptor, a join slot) before it parks. A
//      waker takes it out of there first and unparks it afterwards, so that it is woken once.
//   4. A waiter that comes back with `deadline` or `cancelled` takes itself out. If it is no longer
//      there, a waker has claimed it and its permit is coming: the waiter calls `await_permit` and
//      counts as woken. So nothing handed over is lost, and no unpark reaches a runnable that has
//      already ended.
//   5. The store that makes a condition true happens-before unpark (release), and unpark
//      happens-before the return of the park that consumes it (acquire).
// The protocol is modelled in docs/models/parking.pml.
#pragma once

#include <cede/deadline.hpp>
#include <cstdint>

#include "sched/runnable.hpp"

namespace cede::sched {

enum class wake : std::uint8_t { unparked, deadline, cancelled };

/// Whether a cancel and the ambient deadline (of an enclosing scope) end a wait.
enum class cancellation : std::uint8_t { obeyed, ignored };

/// The runnable that is executing this code. A thread that cede did not make becomes a runnable,
/// carried by the kernel, when it asks for the first time. Never null.
[[gnu::noinline]] runnable& current() noexcept;

/// Waits until somebody calls `unpark` on the calling runnable, until `deadline`, or until it is
/// cancelled. A permit that is already there is consumed at once; a cancel or a deadline that is
/// over returns at once too, the permit staying where it is.
/// Blocks: a fiber parks, a thread blocks.
[[nodiscard]] wake park_until(wait_reason reason, deadline until,
                              cancellation obey = cancellation::obeyed) noexcept;

/// Waits for a permit and nothing else.
void park(wait_reason reason) noexcept;

/// Rule 4: consumes the permit that a waker, which has claimed us, is about to give.
inline void await_permit(wait_reason reason) noexcept { park(reason); }

/// Gives `who` its permit, and makes it run if it is parked. Requires: rule 3. Any thread.
void unpark(runnable& who) noexcept;

/// Marks `who` as cancelled for good, ends its wait or blocking system call if that obeys, and
/// cancels all that it has spawned in scopes.
/// Requires: `who` cannot end during the call. Any thread.
void cancel(runnable& who) noexcept;

/// The same without what it has spawned: a server's main fiber stops to accept, its connections
/// drain.
void cancel_alone(runnable& who) noexcept;

/// Ends a park at its deadline: true if the caller must now make `who` ready. For carriers.
[[nodiscard]] bool expire(runnable& who) noexcept;

/// Lets other runnables of the same carrier go first.
void yield() noexcept;

/// Copies the words that a message names it by: "fiber 'name'", "fiber 12", "thread".
void describe(const runnable& who, char* buffer, std::size_t size) noexcept;

}  // namespace cede::sched
