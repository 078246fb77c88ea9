// The one place of cede that owns signal numbers, dispositions, masks and alternate stacks. Others
// subscribe here and never call sigaction themselves. Handlers that were there before are called
// after ours (chained), and come back when the last user of a number is gone.
//
// Four uses, and no number has two of them:
//   subscribed    SIGTERM, SIGINT, ...  a handler notes the number; a thread runs the callbacks
//   faults        SIGSEGV, SIGBUS       one handler of ours is asked first, on the faulting thread
//   interruption  one real-time signal  gets an OS thread out of a blocking system call
//   kick          one real-time signal  takes a worker's thread away from the fiber it runs
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cede/error.hpp>
#include <functional>
#include <memory>
#include <span>

#include "base/alternate_stack.hpp"

namespace cede::base::signals {

struct subscriber;

// Ends when dropped: afterwards the callback does not run any more, and the dispositions are as
// they were unless others subscribed too. Dropping waits for a callback that is running, except
// inside that callback.
class subscription {
 public:
  subscription() noexcept = default;
  subscription(subscription&& other) noexcept = default;
  subscription& operator=(subscription&& other) noexcept;
  ~subscription();

 private:
  friend result<subscription> subscribe(std::span<const int>, std::function<void(int)>);
  explicit subscription(std::shared_ptr<subscriber> self) noexcept;
  void drop() noexcept;

  std::shared_ptr<subscriber> self_;
};

// Calls `callback(number)` on the thread "cede-signals" for each of the asynchronous signals
// `numbers` that arrives; several arrivals before the call count as one, as signals do. The thread
// starts with the first subscription and ends with the last. `callback` must not throw, and may
// drop subscriptions. Errors: thread_unavailable.
[[nodiscard]] result<subscription> subscribe(std::span<const int> numbers,
                                             std::function<void(int)> callback);

// Asked first about SIGSEGV and SIGBUS, on the alternate stack of the thread that faulted, with all
// asynchronous signals blocked. True: dealt with, go on at the instruction. False: what was there
// before gets it, in the end the default action.
using fault_handler = bool (*)(int number, siginfo_t* info, void* context) noexcept;

// Replaces the handler and returns the one before; nullptr takes ours out. Whoever replaces one
// asks it where it does not know the address itself.
fault_handler set_fault_handler(fault_handler handler) noexcept;

// The number that interrupts a blocked OS thread: send it by tgkill or pthread_kill. Chosen at the
// first call among the real-time signals nobody handles; then its handler is in place, without
// SA_RESTART, so that a system call returns EINTR.
[[nodiscard]] int interrupt_signal() noexcept;

// What else that signal's handler does, with the interrupted ucontext_t; nullptr: nothing. On the
// interrupted thread, with all asynchronous signals blocked.
using interrupt_handler = void (*)(void* context) noexcept;
void set_interrupt_handler(interrupt_handler handler) noexcept;

// The number that kicks a thread; chosen like the one that interrupts, and another. Its handler
// runs on the alternate stack; while it runs no synchronous signal is blocked, as a fault in a
// fiber's stack may have to be dealt with, and every other is, as the kick is while those for
// SIGSEGV and SIGBUS run. With SA_RESTART, so that a read or a lock that was waited for goes on;
// what the kernel never restarts (sleeps, poll, waits with a deadline) returns EINTR.
[[nodiscard]] int kick_signal() noexcept;

// What that signal's handler does, with the interrupted ucontext_t, which it may change; nullptr:
// nothing. On the kicked thread.
using kick_handler = void (*)(void* context) noexcept;
void set_kick_handler(kick_handler handler) noexcept;

// Kicks one thread of this process. Real-time signals queue: whoever kicks a thread that blocks
// them again and again fills the queue. Async-signal-safe. False: no such thread any more, or the
// queue of pending signals (`ulimit -i`) is full.
bool kick(pid_t thread) noexcept;

// While it lives SIGPIPE does not kill.
class sigpipe_exemption {
 public:
  sigpipe_exemption(sigpipe_exemption&& other) noexcept;
  sigpipe_exemption& operator=(sigpipe_exemption&&) = delete;
  ~sigpipe_exemption();

 private:
  friend sigpipe_exemption ignore_sigpipe();
  explicit sigpipe_exemption(bool taken) noexcept : taken_(taken) {}

  bool taken_;
};

// By an empty handler, where the action is the default one; not by SIG_IGN, which programs started
// later would inherit. A handler or SIG_IGN of the application stays.
[[nodiscard]] sigpipe_exemption ignore_sigpipe();

}  // namespace cede::base::signals
