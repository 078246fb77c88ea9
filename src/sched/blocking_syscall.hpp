// A system call that blocks the calling OS thread, and that a cancel can end.
#pragma once

#include <cede/error.hpp>

namespace cede::sched {

/// Makes the call with up to four arguments, restarting it after foreign signals (EINTR).
/// Errors: errc::cancelled if the thread was cancelled before or during the call (nothing has
/// been transferred then); otherwise the call's errno.
/// Requires: the calling runnable's carrier is not shared(): a fiber would hold up its worker.
/// Source: the cancellation points of musl libc, see context/interruptible.hpp.
result<long> blocking_syscall(long number, long a0 = 0, long a1 = 0, long a2 = 0,
                              long a3 = 0) noexcept;

}  // namespace cede::sched
