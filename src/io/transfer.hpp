// Moving bytes and connections through a descriptor: the calls of net/, written once for fibers and
// OS threads. A fiber tries, and parks for an edge when there is nothing; an OS thread blocks.
//
// Common to all: they end at once with cancelled or deadline_exceeded if the caller has been
// cancelled or its ambient deadline is over, even if there is something; they end with closed if
// the descriptor is closed before or during the call. `until` ends only the waiting: what is there
// is taken even if `until` is over.
#pragma once

#include <cede/deadline.hpp>
#include <cede/error.hpp>
#include <cstddef>
#include <span>

#include "io/descriptor.hpp"

namespace cede::io {

/// Bytes received, 0 at the end of the stream; an empty span gives 0 at once.
result<std::size_t> receive(descriptor& d, std::span<std::byte> buffer, deadline until) noexcept;

/// Bytes that the kernel took, at least one; an empty span gives 0 at once. Never raises SIGPIPE.
result<std::size_t> send(descriptor& d, std::span<const std::byte> bytes, deadline until) noexcept;

/// A connection, in blocking mode. Requires: `d` listens and is O_NONBLOCK.
/// Errors also: every errno of accept4(2) but EAGAIN and EINTR.
result<int> accept(descriptor& d, deadline until) noexcept;

/// Lets `time_until` pass unless the listener is closed meanwhile.
/// Errors: closed, cancelled, deadline_exceeded (the ambient deadline).
result<> back_off(descriptor& listener, clock::time_point time_until) noexcept;

/// Waits for the outcome of a connect(2) that said EINPROGRESS.
/// Errors also: why it was refused.
result<> await_connected(descriptor& d, deadline until) noexcept;

}  // namespace cede::io
