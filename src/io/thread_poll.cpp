#include "io/thread_poll.hpp"

#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/sys.hpp"
#include "io/kernel_time.hpp"
#include "sched/blocking_syscall.hpp"

namespace cede::io {
namespace {

long as_argument(const void* address) noexcept { return reinterpret_cast<long>(address); }

}  // namespace

result<short> poll_on_thread(sched::runnable& self, int fd, short events, deadline until) noexcept {
  const deadline end = deadline::earlier(until, self.ambient_deadline);
  // The kernel counts it down, so the call can be restarted after a signal.
  timespec left = time_left(end.when());
  pollfd one{.fd = fd, .events = events, .revents = 0};
  if (const int error = base::sys::injected_fault(base::sys::call::poll, fd).error; error != 0)
    return failure_from(error);
  const auto count = sched::blocking_syscall(SYS_ppoll, as_argument(&one), 1,
                                             end.is_never() ? 0 : as_argument(&left));
  if (!count) return std::unexpected(count.error());
  if (*count == 0) return failure(errc::deadline_exceeded);
  if ((one.revents & POLLNVAL) != 0) return failure_from(EBADF);
  return one.revents;
}

}  // namespace cede::io
