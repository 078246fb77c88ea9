// A memory barrier on all threads of the process at once, so that the frequent side of a handshake
// need not have one.
#pragma once

namespace cede::base {

// When it returns true each thread of this process has passed a full memory barrier since the call,
// on a processor or by not being on one. False: the kernel does not offer it (membarrier(2),
// PRIVATE_EXPEDITED, Linux 4.14, which a seccomp filter may forbid). Some microseconds; the first
// call up to tens of milliseconds. errno is kept.
[[nodiscard]] bool fence_all_threads() noexcept;

}  // namespace cede::base
