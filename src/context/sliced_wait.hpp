// How interruptible system calls wait where signal handlers cannot be relied on, that is under
// ThreadSanitizer: in slices of 20 ms.
//
// Calls that wait for a descriptor (read, receive, accept, write, send) first poll
// it; ppoll is itself cut in slices. Any other call is made as it is.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace cede::context {

struct sliced_call {
  const std::atomic<std::uint32_t>* stop;
  std::uint32_t stop_mask;
  long number;
  std::array<long, 6> arguments;
};

// As interruptible_syscall.
long make_sliced(const sliced_call& call) noexcept;

}  // namespace cede::context
