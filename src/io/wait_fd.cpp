// Public side: <cede/wait.hpp>.
#include <poll.h>

#include <array>
#include <cede/wait.hpp>
#include <cerrno>

#include "base/sys.hpp"
#include "context/no_preempt.hpp"
#include "io/operation.hpp"
#include "io/reactor.hpp"
#include "io/thread_poll.hpp"
#include "sched/carrier.hpp"
#include "sched/parking.hpp"
#include "sched/preemptive/fair_policy.hpp"

namespace cede {
namespace {

using io::operation;
using sched::wait_reason;

// reactor.hpp rule 5: whatever ends the park, the completion comes, and its permit is consumed.
sched::wake await(io::reactor& by, operation& o, wait_reason reason, deadline until) noexcept {
  by.submit(o);
  const sched::wake why = sched::park_until(reason, until);
  if (why == sched::wake::unparked) return why;
  by.cancel(o);
  sched::await_permit(reason);
  return why;
}

result<> wait_on_fiber(sched::runnable& self, int fd, operation::code what, deadline until) {
  const wait_reason reason =
      what == operation::code::poll_readable ? wait_reason::readable : wait_reason::writable;
  // Whoever submits an operation must be able to cancel it, on the same worker.
  const context::no_preempt_region region;
  const sched::pinning stay(self);
  io::reactor* const mine = io::reactor::current();
  if (mine == nullptr) return failure(errc::not_supported);
  const auto o = operation::make(what, fd, self);
  if (o == nullptr) return failure_from(ENOMEM);
  const sched::wake why = await(*mine, *o, reason, until);
  if (o->result == 0) return {};  // also where it became ready just as the wait ended
  if (o->result != -ECANCELED) return failure_from(-o->result);
  // Who asks again and again with a deadline that is over must not keep others from running.
  sched::yield();
  return failure(why == sched::wake::cancelled ? errc::cancelled : errc::deadline_exceeded);
}

// Looks first: often there is nothing to wait for, and a look costs less than a registration.
result<bool> is_ready(int fd, short events) noexcept {
  std::array one{pollfd{.fd = fd, .events = events, .revents = 0}};
  const auto count = base::sys::poll(one, 0);
  if (!count) return std::unexpected(count.error());
  if ((one[0].revents & POLLNVAL) != 0 || fd < 0) return failure_from(EBADF);
  return *count != 0;
}

result<> wait_for(int fd, operation::code what, deadline until) {
  sched::runnable& self = sched::current();
  if (self.cancel_requested()) return failure(errc::cancelled);
  const short events = what == operation::code::poll_readable ? POLLIN : POLLOUT;
  const auto ready = is_ready(fd, events);
  if (!ready) return std::unexpected(ready.error());
  if (*ready) return {};
  if (self.carrier->shared()) return wait_on_fiber(self, fd, what, until);
  auto there = io::poll_on_thread(self, fd, events, until);
  if (!there) return std::unexpected(there.error());
  return {};
}

}  // namespace

result<> wait_readable(int fd, deadline until) {
  return wait_for(fd, operation::code::poll_readable, until);
}

result<> wait_writable(int fd, deadline until) {
  return wait_for(fd, operation::code::poll_writable, until);
}

}  // namespace cede
