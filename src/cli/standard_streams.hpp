// What the program was started with as descriptors 0, 1 and 2.
#pragma once

namespace cede::cli {

/// Puts something in the place of standard streams that are closed, before a socket takes it: what
/// is meant for people would go to a peer. What stands there cannot be used, and says EBADF, as a
/// closed one does.
void occupy_standard_streams() noexcept;

}  // namespace cede::cli
