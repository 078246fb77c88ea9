#include "io/transfer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "base/fork_guard.hpp"
#include "base/sys.hpp"
#include "io/attempt.hpp"
#include "io/descriptor_use.hpp"
#include "io/thread_poll.hpp"
#include "sched/blocking_syscall.hpp"
#include "sched/carrier.hpp"
#include "sched/parking.hpp"

namespace cede::io {
namespace {

namespace sys = base::sys;
using sched::wait_reason;

// One kind of call; each has the same members.
struct receiving {
  static constexpr direction way = direction::read;
  static constexpr wait_reason reason = wait_reason::readable;
  static constexpr short events = POLLIN;
  static constexpr long number = SYS_recvfrom;
  static constexpr int blocking_flags = 0;
  static constexpr sys::call call = sys::call::recv;
  static constexpr bool zero_is_an_end = true;
  std::span<std::byte> buffer;

  attempt now(int fd) const noexcept { return try_receive(fd, buffer); }
  // Where the reactor may receive for a waiting fiber: descriptor.hpp rule 6.
  std::span<std::byte> room() const noexcept { return buffer; }
};

struct sending {
  static constexpr direction way = direction::write;
  static constexpr wait_reason reason = wait_reason::writable;
  static constexpr short events = POLLOUT;
  static constexpr long number = SYS_sendto;
  static constexpr int blocking_flags = MSG_NOSIGNAL;
  static constexpr sys::call call = sys::call::send;
  static constexpr bool zero_is_an_end = false;
  std::span<const std::byte> buffer;

  attempt now(int fd) const noexcept { return try_send(fd, buffer); }
  std::span<std::byte> room() const noexcept { return {}; }
};

struct accepting {
  static constexpr direction way = direction::read;
  static constexpr wait_reason reason = wait_reason::accept;
  static constexpr short events = POLLIN;
  static constexpr bool zero_is_an_end = false;

  attempt now(int fd) const noexcept { return try_accept(fd); }
  std::span<std::byte> room() const noexcept { return {}; }
};

// After close() the socket may be shut down, which looks like an end or an error of the peer.
template <class Call>
result<std::size_t> verdict(const descriptor::use& use, const attempt& got) noexcept {
  const bool suspect = got.error != 0 || (Call::zero_is_an_end && got.moved == 0);
  if (suspect && !use.open()) return failure(errc::closed);
  if (got.error != 0) return failure_from(got.error);
  return got.moved;
}

// Calls that never wait are cancellation points too: who streams to a fast peer must be stoppable.
bool must_stop(const sched::runnable& self) noexcept {
  return self.cancel_requested() || deadline(self.ambient_deadline).expired();
}

[[gnu::cold]] std::error_code why_stopped(const sched::runnable& self) noexcept {
  return self.cancel_requested() ? errc::cancelled : errc::deadline_exceeded;
}

// The hint lags behind the kernel until the reactor is asked, so a deadline does not end the call
// before a last try. Others go first: who asks again and again with a deadline that is over must
// not keep them, and the reactor, from running.
template <class Call>
result<std::size_t> after_deadline(descriptor::use& use, const Call& call,
                                   const sched::runnable& self) noexcept {
  sched::yield();
  if (must_stop(self)) return std::unexpected(why_stopped(self));
  if (use.look() == outlook::closed) return failure(errc::closed);
  const attempt got = call.now(use.fd());
  if (means_later(got.error) || got.error == EINTR) return failure(errc::deadline_exceeded);
  if (got.emptied) use.emptied();
  return verdict<Call>(use, got);
}

template <class Call>
result<std::size_t> on_fiber(descriptor& d, const Call& call, sched::runnable& self,
                             deadline until) noexcept {
  descriptor::use use(d, Call::way, descriptor::use::by::fiber);
  for (;;) {
    const outlook next = use.look();
    if (next == outlook::closed) return failure(errc::closed);
    if (next == outlook::nothing) {
      const auto woken = use.wait(self, Call::reason, until, call.room());
      if (woken && !use.served()) continue;
      if (woken) return verdict<Call>(use, use.received());
      if (woken.error() == errc::deadline_exceeded) return after_deadline(use, call, self);
      return std::unexpected(woken.error());
    }
    const attempt got = call.now(use.fd());
    if (got.emptied) use.emptied();
    if (got.error == 0 && got.moved > 0) [[likely]] {
      return got.moved;
    }
    if (means_later(got.error)) {
      use.exhausted();
    } else if (got.error != EINTR) {
      return verdict<Call>(use, got);
    }
  }
}

template <class Call>
result<std::size_t> in_turns_on_thread(descriptor::use& use, const Call& call,
                                       sched::runnable& self, deadline until) noexcept {
  while (use.open()) {
    const attempt got = call.now(use.fd());
    if (got.error == EINTR) continue;
    if (!means_later(got.error)) return verdict<Call>(use, got);
    if (auto there = poll_on_thread(self, use.fd(), Call::events, until); !there)
      return std::unexpected(there.error());
  }
  return failure(errc::closed);
}

// One system call that blocks, and restarts after foreign signals.
template <class Call>
attempt block_once(const Call& call, int fd) noexcept {
  const sys::fault made = sys::injected_fault(Call::call, fd);
  if (made.error != 0) [[unlikely]] {
    return {.error = made.error};
  }
  const auto size = static_cast<long>(std::min(call.buffer.size(), made.limit_bytes));
  const auto moved = sched::blocking_syscall(
      Call::number, fd, reinterpret_cast<long>(call.buffer.data()), size, Call::blocking_flags);
  if (moved) return {.moved = static_cast<std::size_t>(*moved)};
  return {.error = moved.error() == errc::cancelled ? ECANCELED : moved.error().value()};
}

template <class Call>
result<std::size_t> block_on_thread(descriptor::use& use, const Call& call) noexcept {
  for (;;) {
    const attempt got = block_once(call, use.fd());
    if (got.error == EINTR) continue;
    if (got.error == ECANCELED) return failure(errc::cancelled);
    return verdict<Call>(use, got);
  }
}

template <class Call>
result<std::size_t> on_thread(descriptor& d, const Call& call, sched::runnable& self,
                              deadline until) noexcept {
  descriptor::use use(d, Call::way, descriptor::use::by::thread);
  if (!use.open()) return failure(errc::closed);
  if constexpr (requires { Call::number; }) {
    if (until.is_never() && self.ambient_deadline == clock::time_point::max())
      return block_on_thread(use, call);
  }
  return in_turns_on_thread(use, call, self, until);
}

template <class Call>
result<std::size_t> perform(descriptor& d, const Call& call, deadline until) noexcept {
  base::require_not_forked_child("reading, writing or accepting");
  sched::runnable& self = sched::current();
  if (must_stop(self)) [[unlikely]] {
    return std::unexpected(why_stopped(self));
  }
  if (self.carrier->shared()) return on_fiber(d, call, self, until);
  return on_thread(d, call, self, until);
}

}  // namespace

result<std::size_t> receive(descriptor& d, std::span<std::byte> buffer, deadline until) noexcept {
  if (buffer.empty()) return 0;
  return perform(d, receiving{buffer}, until);
}

result<std::size_t> send(descriptor& d, std::span<const std::byte> bytes, deadline until) noexcept {
  if (bytes.empty()) return 0;
  return perform(d, sending{bytes}, until);
}

result<int> accept(descriptor& d, deadline until) noexcept {
  const auto fd = perform(d, accepting{}, until);
  if (!fd) return std::unexpected(fd.error());
  return static_cast<int>(*fd);
}

}  // namespace cede::io
