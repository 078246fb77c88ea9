/// \file
/// Waiting for any file descriptor: pipes, eventfds, sockets of other libraries.
///
///     while (cede::wait_readable(fd, 5s)) {
///       if (!legacy_library_pump(fd)) break;
///     }
///
/// For TCP use `cede::tcp_stream` (tcp.hpp), which waits by itself and costs less.
#pragma once

#include <cede/deadline.hpp>
#include <cede/error.hpp>

namespace cede {

/// Waits until a read of `fd` would not block: there are bytes, or the end, or an error. A regular
/// file is always ready. A hint: another reader may take the bytes first, so read non-blocking.
/// One fiber may wait to read and another to write; afterwards nothing stays registered.
/// Requires: `fd` stays open during the call.
/// Errors: `deadline_exceeded`, `cancelled`; EBADF if it is not open; EMFILE (a second wait for the
/// same file needs a duplicate), ENOMEM, ENOSPC.
/// Blocks: fiber or thread. Threads: any.
[[nodiscard]] result<> wait_readable(int fd, deadline until = never);

/// The same for a write.
[[nodiscard]] result<> wait_writable(int fd, deadline until = never);

}  // namespace cede
