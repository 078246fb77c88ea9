// A system call that another thread can get an OS thread out of, without losing the signal.
//
// Checking a flag and then blocking has a gap: a signal that arrives in between finds nothing to
// interrupt, and the call blocks for ever. Here check and call are a few instructions of known
// address (<arch>/interruptible.S); the signal's handler looks where it interrupted, and moves the
// program counter out of that window, so that the call is not made.
// Source: the cancellation points of musl libc (src/thread/x86_64/syscall_cp.s); unlike there the
// handler abandons the call whether or not the flag is set, since callers look again anyway.
//
// Actors: the blocking thread, in the call; a canceller, which first sets the flag, then sends
// base::signals::interrupt_signal() to that thread; the handler, on the blocking thread.
//
// ThreadSanitizer runs handlers late and without the interrupted context. In its builds a call that
// waits is preceded by poll in slices of 20 ms, with a look at the flag after each.
#pragma once

#include <atomic>
#include <cstdint>

namespace cede::context {

// Makes the system call unless `*stop & stop_mask` is or becomes set and the signal arrives before
// it took effect. Returns what the kernel does: a value, or a negative errno; -EINTR after any
// interruption, so look at the flag again.
// Requires: install_interrupt_handler() was called, and the signal is not blocked on this thread.
long interruptible_syscall(const std::atomic<std::uint32_t>* stop, std::uint32_t stop_mask,
                           long number, long a0, long a1, long a2, long a3, long a4,
                           long a5) noexcept;

// Tells the signals registry what the interrupt signal does here. Once for the process.
void install_interrupt_handler() noexcept;

}  // namespace cede::context
