// Where a thread or a fiber is: addresses first, names and lines later.
//
// A frame is an address inside the instruction that is being executed or that made the call, so it
// can be looked up as it is.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cede::base::backtrace {

// The callers of this function, innermost first; returns how many. For use on the running stack.
// Async-signal-safe as far as the unwinder is: no allocation, no lock.
[[nodiscard]] std::size_t capture(std::span<void*> frames) noexcept;

// What a signal interrupted, innermost first. Requires: called in the handler that got `context`
// (its third argument), which may run on an alternate stack.
[[nodiscard]] std::size_t capture_from(const void* context, std::span<void*> frames) noexcept;

// One line a frame, `#0 function at file:line`; where the line is unknown
// `#0 function in object+offset`. Allocates, reads files, takes milliseconds: not in signal
// handlers.
[[nodiscard]] std::string symbolize(std::span<void* const> frames);

// Writes the same lines to a descriptor, for a process that is about to die: works in a signal
// handler and with a broken heap, since a child process (gone before the return) does the look-up.
// If that fails within seconds, writes objects and offsets, which `addr2line` understands.
void print(int descriptor, std::span<void* const> frames) noexcept;

}  // namespace cede::base::backtrace
