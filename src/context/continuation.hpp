// A continuation is a parked control flow: the control (pc) and the state (sp, fp, floating-point
// control) of something that can be gone on with. Everything else lives on its stack.
//
// States: EMPTY (never prepared), PARKED (may be switched to, once), RUNNING (its fields are
// stale).
// Rules:
//  1. Only the thread that runs a control flow may park it, by switch_to(from, to).
//  2. `to` must be PARKED and stays so until the switch; who hands it to another thread must order
//     the park before the switch there (the run queues do).
//  3. The code after a switch may run on another thread: keep no address of a thread_local over it.
//
// switch_to itself is per architecture, in <arch>/switch.hpp. This layer knows no fibers.
#pragma once

#include <cstddef>

// The only place that chooses an architecture's switch.
#if defined(__x86_64__)
#include "context/x86_64/switch.hpp"
#elif defined(__aarch64__)
#include "context/aarch64/switch.hpp"
#else
#error "cede has no context switch for this architecture (x86_64 and aarch64 are supported)"
#endif

namespace cede::context {

using entry_function = void (*)(void* argument);

// Makes `fresh` a PARKED continuation that calls entry(argument) on the stack that ends at
// `stack_top` (rounded down to 16 bytes). `entry` must not return: it traps. The new context starts
// with the caller's floating-point control, as a new POSIX thread does.
void prepare(continuation& fresh, std::byte* stack_top, entry_function entry,
             void* argument) noexcept;

}  // namespace cede::context
