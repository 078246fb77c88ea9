// Whether contexts can be switched on this machine.
#pragma once

namespace cede::context {

// What stands against it and what to do, as one line, or nullptr if all is well. To be asked before
// the first switch: a machine that cannot switch does not fail cleanly.
const char* obstacle_to_switching() noexcept;

// What that asks for: whether the processor compares each return of the calling thread with a stack
// of its own (shadow stacks, guarded control stacks), which a switch does not change. Tests put
// another answer in its place, while no other thread asks.
using machine_question = bool (*)() noexcept;
extern constinit machine_question returns_are_checked;

}  // namespace cede::context
