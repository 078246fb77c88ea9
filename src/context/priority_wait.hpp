// Mutexes with priority inheritance, and fibers with TLS blocks of their own.
//
// Such a mutex holds the thread id of its owner, for the kernel, which lends that thread the
// priority of those who wait. A fiber's id is none of the kernel's: who has to wait for a fiber's
// mutex gets an error for an answer, and the C library then lets it wait for ever (POSIX: what
// happens is undefined if the owner has ended). And a fiber that waits for a thread's mutex gets it
// as the thread that it runs on, and cannot give it back on another. Neither can be mended from
// here, but noticed, when a fiber has been waiting for so long that it gets a kick.
#pragma once

#include <ucontext.h>

#include "context/preempt.hpp"

namespace cede::context {

// In a signal's handler, with what it got: whether the code that was interrupted waits for a mutex
// with priority inheritance, or hangs since it has tried to. `stack` is the interrupted one.
// Async-signal-safe; some ns where the code was not in a futex, else up to some 10 us.
bool waits_for_priority_mutex(const ucontext_t& interrupted,
                              const preemptible_stack& stack) noexcept;

}  // namespace cede::context
