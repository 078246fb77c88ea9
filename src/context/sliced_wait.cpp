#include "context/sliced_wait.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace cede::context {

namespace {

constexpr long slice_ns = 20'000'000;
constexpr long second_ns = 1'000'000'000;
constexpr int no_flags = -1;

// A call that waits for the descriptor in its first argument, and which argument holds flags that
// take MSG_DONTWAIT: then a send cannot block half-way.
struct descriptor_call {
  long number;
  short events;
  int flags_at;
};

constexpr descriptor_call descriptor_calls[] = {
    {SYS_read, POLLIN, no_flags},    {SYS_readv, POLLIN, no_flags},
    {SYS_recvfrom, POLLIN, 3},       {SYS_recvmsg, POLLIN, 2},
    {SYS_accept4, POLLIN, no_flags}, {SYS_write, POLLOUT, no_flags},
    {SYS_writev, POLLOUT, no_flags}, {SYS_sendto, POLLOUT, 3},
    {SYS_sendmsg, POLLOUT, 2},
};

bool stopped(const sliced_call& call) noexcept {
  return (call.stop->load(std::memory_order_acquire) & call.stop_mask) != 0;
}

long outcome(long returned) noexcept { return returned == -1 ? -errno : returned; }

long make(const sliced_call& call) noexcept {
  const auto& a = call.arguments;
  return outcome(syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

// Cuts the time of the call's own ppoll, and counts down what the caller gave as the kernel does.
long poll_sliced(const sliced_call& call) noexcept {
  auto* limit = reinterpret_cast<timespec*>(call.arguments[2]);
  sliced_call part = call;
  while (!stopped(call)) {
    const long left = limit == nullptr || limit->tv_sec > 0 ? second_ns : limit->tv_nsec;
    timespec slice{.tv_sec = 0, .tv_nsec = std::min(left, slice_ns)};
    const long spent = slice.tv_nsec;
    part.arguments[2] = reinterpret_cast<long>(&slice);
    if (const long got = make(part); got != 0) return got;
    if (limit == nullptr) continue;
    limit->tv_nsec -= spent;
    if (limit->tv_nsec < 0) {
      --limit->tv_sec;
      limit->tv_nsec += second_ns;
    }
    if (limit->tv_sec == 0 && limit->tv_nsec == 0) return 0;
  }
  return -EINTR;
}

long call_when_ready(const sliced_call& call, const descriptor_call& kind) noexcept {
  sliced_call ready = call;
  if (kind.flags_at != no_flags)
    ready.arguments[static_cast<std::size_t>(kind.flags_at)] |= MSG_DONTWAIT;
  while (!stopped(call)) {
    pollfd one{.fd = static_cast<int>(call.arguments[0]), .events = kind.events, .revents = 0};
    timespec slice{.tv_sec = 0, .tv_nsec = slice_ns};
    const long polled = outcome(syscall(SYS_ppoll, &one, 1, &slice, nullptr, 0));
    if (polled < 0) return polled;
    if (polled == 0) continue;
    if (const long got = make(ready); got != -EAGAIN) return got;
  }
  return -EINTR;
}

}  // namespace

long make_sliced(const sliced_call& call) noexcept {
  if (call.number == SYS_ppoll) return poll_sliced(call);
  for (const descriptor_call& kind : descriptor_calls)
    if (kind.number == call.number) return call_when_ready(call, kind);
  return stopped(call) ? -EINTR : make(call);
}

}  // namespace cede::context
