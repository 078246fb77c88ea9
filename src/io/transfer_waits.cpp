// The calls of transfer.hpp that wait and move nothing.
#include <poll.h>
#include <sys/socket.h>

#include "base/sys.hpp"
#include "io/descriptor_use.hpp"
#include "io/thread_poll.hpp"
#include "io/transfer.hpp"
#include "sched/carrier.hpp"
#include "sched/parking.hpp"

namespace cede::io {
namespace {

using sched::wait_reason;

result<> await_writable_on_fiber(descriptor::use& use, sched::runnable& self,
                                 deadline until) noexcept {
  // Born "writable", which it is not yet.
  if (use.look() == outlook::ready) use.exhausted();
  while (use.look() == outlook::nothing)
    if (auto woken = use.wait(self, wait_reason::connect, until); !woken) return woken;
  return {};
}

result<> outcome_of_connect(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (auto read = base::sys::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); !read)
    return read;
  if (error != 0) return failure_from(error);
  return {};
}

result<> back_off_on_thread(descriptor::use& use, sched::runnable& self,
                            clock::time_point time_until) noexcept {
  // No event is asked for: only the hang-up by which close() ends it counts.
  auto hung_up = poll_on_thread(self, use.fd(), 0, time_until);
  if (!use.open()) return failure(errc::closed);
  if (hung_up || hung_up.error() != errc::deadline_exceeded || clock::now() < time_until)
    return hung_up ? result<>() : std::unexpected(hung_up.error());
  return {};
}

}  // namespace

result<> back_off(descriptor& listener, clock::time_point time_until) noexcept {
  sched::runnable& self = sched::current();
  if (!self.carrier->shared()) {
    descriptor::use use(listener, direction::read, descriptor::use::by::thread);
    if (!use.open()) return failure(errc::closed);
    return back_off_on_thread(use, self, time_until);
  }
  descriptor::use use(listener, direction::read, descriptor::use::by::fiber);
  auto closed = use.wait_for_close(self, wait_reason::descriptors, time_until);
  if (!closed) return std::unexpected(closed.error());
  if (*closed) return failure(errc::closed);
  return {};
}

result<> await_connected(descriptor& d, deadline until) noexcept {
  sched::runnable& self = sched::current();
  const bool shared = self.carrier->shared();
  descriptor::use use(d, direction::write,
                      shared ? descriptor::use::by::fiber : descriptor::use::by::thread);
  if (!use.open()) return failure(errc::closed);
  if (shared) {
    if (auto writable = await_writable_on_fiber(use, self, until); !writable) return writable;
  } else if (auto there = poll_on_thread(self, use.fd(), POLLOUT, until); !there) {
    return std::unexpected(there.error());
  }
  return outcome_of_connect(use.fd());
}

}  // namespace cede::io
