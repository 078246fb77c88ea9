// One try of a call on a socket, which does not wait.
#pragma once

#include <cerrno>
#include <cstddef>
#include <span>

namespace cede::io {

struct attempt {
  std::size_t moved = 0;  // bytes, or a file descriptor
  int error = 0;          // errno
  bool emptied = false;   // the kernel had less than was asked for
};

/// Nothing there now, or no room.
constexpr bool means_later(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

/// recv(2) with MSG_DONTWAIT. A cut that a fault hook makes does not count as "emptied": the rest
/// is still there and no edge will tell of it.
attempt try_receive(int fd, std::span<std::byte> to) noexcept;

/// send(2) with MSG_DONTWAIT and without SIGPIPE. A short send is followed by another try and not
/// taken for "full": that costs one call in a transfer that waits anyway, and spares a proof that
/// an edge will come.
attempt try_send(int fd, std::span<const std::byte> from) noexcept;

/// accept4(2) on a listener that fibers wait for.
attempt try_accept(int fd) noexcept;

/// Whether poll(2) calls it readable now. At the mark of urgent data recv(2) says EAGAIN whatever
/// lies behind, if a signal is pending (tcp_recvmsg), and io_uring's task work counts as one.
bool is_readable(int fd) noexcept;

}  // namespace cede::io
