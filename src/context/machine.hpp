// Whether contexts can be switched on this machine.
#pragma once

namespace cede::context {

// What stands against it and what to do, as one line, or nullptr if all is well. To be asked before
// the first switch: a machine that cannot switch does not fail cleanly.
const char* obstacle_to_switching() noexcept;

}  // namespace cede::context
