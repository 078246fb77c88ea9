// How an OS thread waits for a descriptor, where a fiber would use the reactor.
#pragma once

#include <cede/deadline.hpp>
#include <cede/error.hpp>

#include "sched/runnable.hpp"

namespace cede::io {

/// Blocks the calling OS thread in ppoll(2) until one of `events` (POLLIN, ...; an error or hang-up
/// always counts) is there; returns what is there.
/// Errors: cancelled; deadline_exceeded (`until` or the ambient deadline); EBADF; errno.
result<short> poll_on_thread(sched::runnable& self, int fd, short events, deadline until) noexcept;

}  // namespace cede::io
