// The contract between cede and the kernel's event interfaces. A reactor belongs to one worker (its
// owner), is that worker's idle hook, and carries two kinds of news:
//
//   readiness    a descriptor has become readable, writable or has been hung up. Reported at edges:
//                once for each change, and once for the state found at `watch`.
//   completions  an operation that was handed over has been carried out.
//
// A backend is these seven functions and nothing else:
//
//   watch(descriptor)     from now on report its edges, with its event tag, to descriptor::deliver
//   unwatch(descriptor)   report no more of them; called before the file descriptor is closed
//   submit(operation)     carry it out
//   cancel(operation)     hurry it up
//   poll(until)           wait for news until then, and pass them on        (sched::poller)
//   wake()                end a poll under way, or the next one             (sched::poller)
//   watching()            may there be news?                                (sched::poller)
//
// Rules
//   1. watch, submit, cancel and poll: the owner's thread only. wake and unwatch: any thread.
//   2. News reach a runnable in `poll` (or, for an operation that needs no waiting, in `submit` or
//      `cancel`) and only by unpark: no code of a waiter runs inside a reactor.
//   3. An edge may be reported more often than it occurs, and late. So it is a hint: whoever is
//      woken tries, and waits again. Late ones do not harm: descriptor::deliver drops an event
//      whose generation is over.
//   4. `submit` cannot fail: an error is the operation's result. Each operation submitted completes
//      exactly once: its `result` is written, then its waiter is unparked once.
//   5. To give an operation up is to cancel it and then to await its completion. Until that has
//      come the kernel may write to its buffer, so neither buffer nor operation is reused. The
//      result is then -ECANCELED, or what happened first.
//   6. A descriptor is watched by one reactor at most, and once. Before a reactor is destroyed it
//      calls descriptor::forget_reactor; no operation of it is outstanding then.
//   7. Outcomes of poll: `until` over, an event, a wake, or nothing (EINTR). The caller looks.
//
// How code on a fiber finds its reactor: reactor::current().
#pragma once

#include <atomic>
#include <cede/error.hpp>
#include <cstdint>

#include "sched/poller.hpp"

namespace cede::io {

class descriptor;
class operation;

class reactor : public sched::poller {
 public:
  /// The reactor of the worker that runs the calling fiber; null on an OS thread, and on a worker
  /// whose idle hook is not a reactor. For who is about to wait: a stray fiber rejoins its worker.
  static reactor* current() noexcept;

  /// Errors: errno of the kernel's registration call (ENOSPC, ENOMEM, EPERM).
  virtual result<> watch(descriptor& d) noexcept = 0;
  virtual void unwatch(descriptor& d) noexcept = 0;
  virtual void submit(operation& o) noexcept = 0;
  virtual void cancel(operation& o) noexcept = 0;

 private:
  friend class descriptor;
  // Threads inside unwatch(): descriptor::forget_reactor waits for them, so that a close on one
  // thread may meet the end of the reactor on another.
  std::atomic<std::uint32_t> pins_{0};
};

}  // namespace cede::io
