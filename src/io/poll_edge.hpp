// What a mask of poll(2) bits, which epoll and io_uring share, says about a descriptor.
#pragma once

#include <poll.h>

#include "io/descriptor.hpp"

namespace cede::io {

// Urgent data splits reads of the stream at its mark, so a short read is no sign of an empty
// buffer: that is what POLLPRI is asked for.
inline constexpr unsigned edges_of_interest = POLLIN | POLLOUT | POLLRDHUP | POLLPRI;

inline edge edge_of(unsigned events) noexcept {
  edge what = edge::none;
  if ((events & (POLLIN | POLLRDHUP | POLLPRI | POLLHUP | POLLERR)) != 0) what |= edge::readable;
  if ((events & (POLLOUT | POLLHUP | POLLERR)) != 0) what |= edge::writable;
  if ((events & (POLLRDHUP | POLLPRI | POLLHUP | POLLERR)) != 0) what |= edge::eager;
  return what;
}

}  // namespace cede::io
