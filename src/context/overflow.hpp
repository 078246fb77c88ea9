// Says which fiber or thread overflowed its stack, instead of a bare "Segmentation fault".
#pragma once

#include <cstddef>

#include "context/stack_slot.hpp"

namespace cede::context {

// Writes the name, zero-terminated, of the fiber that runs on `slot`. Must be async-signal-safe.
using slot_name = void (*)(const stack_slot& slot, char* buffer, std::size_t size) noexcept;

// From now on a SIGSEGV or SIGBUS inside a guard of stack_pool::instance() prints
//     cede: fiber 'name' overflowed its 64 KiB stack
// and a backtrace to stderr, and aborts; one below the stack of a thread that has a thread_stack
// (thread_stack.hpp) does so with `thread 'name'`. Other faults go to whoever handled them before.
// Requires: threads that run fibers have a base::signals::alternate_stack, as there is no room on
// theirs.
void install_overflow_reporter(slot_name name_of) noexcept;

}  // namespace cede::context
