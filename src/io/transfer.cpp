#include "io/transfer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/sanitizers.hpp"
#include "base/sys.hpp"
#include "io/thread_poll.hpp"
#include "sched/blocking_syscall.hpp"
#include "sched/carrier.hpp"
#include "sched/parking.hpp"

namespace cede::io {
namespace {

namespace sys = base::sys;
using sched::wait_reason;

// One try without waiting.
struct attempt {
  long moved = 0;  // bytes, or a file descriptor
  int error = 0;
  bool emptied = false;  // the kernel had less than was asked for
};

attempt outcome_of(ssize_t returned) noexcept {
  return returned < 0 ? attempt{.error = errno} : attempt{.moved = returned};
}

// libc's recv and send are points of pthread_cancel, which in a process with threads costs four
// atomic operations a call. These never block, so there is nothing to cancel. Sanitizers watch the
// libc functions, so they get those.
#if CEDE_ASAN || CEDE_TSAN
ssize_t receive_now(int fd, std::span<std::byte> to) noexcept {
  return ::recv(fd, to.data(), to.size(), MSG_DONTWAIT);
}
ssize_t send_now(int fd, std::span<const std::byte> from) noexcept {
  return ::send(fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}
#else
ssize_t receive_now(int fd, std::span<std::byte> to) noexcept {
  return ::syscall(SYS_recvfrom, fd, to.data(), to.size(), MSG_DONTWAIT, nullptr, nullptr);
}
ssize_t send_now(int fd, std::span<const std::byte> from) noexcept {
  return ::syscall(SYS_sendto, fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL, nullptr,
                   0);
}
#endif

// One kind of call; each has the same static members. A cut that a fault hook makes does not count
// as "emptied": the rest is still there and no edge will tell of it.
struct receiving {
  static constexpr direction way = direction::read;
  static constexpr wait_reason reason = wait_reason::readable;
  static constexpr short events = POLLIN;
  static constexpr long number = SYS_recvfrom;
  static constexpr int blocking_flags = 0;
  static constexpr sys::call call = sys::call::recv;
  std::span<std::byte> buffer;

  attempt now(int fd, std::size_t limit) const noexcept {
    const std::size_t asked = std::min(buffer.size(), limit);
    attempt got = outcome_of(receive_now(fd, buffer.first(asked)));
    got.emptied = got.moved > 0 && static_cast<std::size_t>(got.moved) < asked;
    return got;
  }
};

struct sending {
  static constexpr direction way = direction::write;
  static constexpr wait_reason reason = wait_reason::writable;
  static constexpr short events = POLLOUT;
  static constexpr long number = SYS_sendto;
  static constexpr int blocking_flags = MSG_NOSIGNAL;
  static constexpr sys::call call = sys::call::send;
  std::span<const std::byte> buffer;

  // A short send is followed by another try and not taken for "full": that costs one call in a
  // transfer that waits anyway, and spares a proof that an edge will come.
  attempt now(int fd, std::size_t limit) const noexcept {
    const std::size_t asked = std::min(buffer.size(), limit);
    return outcome_of(send_now(fd, buffer.first(asked)));
  }
};

struct accepting {
  static constexpr direction way = direction::read;
  static constexpr wait_reason reason = wait_reason::accept;
  static constexpr short events = POLLIN;
  static constexpr sys::call call = sys::call::accept4;

  attempt now(int fd, std::size_t) const noexcept {
    return outcome_of(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
  }
};

template <class Call>
attempt try_once(const Call& call, int fd) noexcept {
  const sys::fault made = sys::injected_fault(Call::call, fd);
  if (made.error != 0) [[unlikely]] {
    return {.error = made.error};
  }
  return call.now(fd, made.limit_bytes);
}

constexpr bool means_later(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

// After close() the socket may be shut down, which looks like an end or an error of the peer.
template <class Call>
result<long> verdict(const descriptor::use& use, const attempt& got) noexcept {
  if (got.error == 0 && (got.moved > 0 || Call::call == sys::call::accept4)) return got.moved;
  if (!use.open()) return failure(errc::closed);
  if (got.error != 0) return failure_from(got.error);
  return got.moved;
}

template <class Call>
result<long> on_fiber(descriptor& d, const Call& call, deadline until) noexcept {
  descriptor::use use(d, Call::way, descriptor::use::by::fiber);
  while (use.open()) {
    if (!use.ready()) {
      if (auto woken = use.wait(Call::reason, until); !woken) return std::unexpected(woken.error());
      continue;
    }
    const attempt got = try_once(call, use.fd());
    if (got.error == EINTR) continue;
    if (means_later(got.error)) {
      use.exhausted();
      continue;
    }
    if (got.emptied) use.emptied();
    return verdict<Call>(use, got);
  }
  return failure(errc::closed);
}

template <class Call>
result<long> in_turns_on_thread(descriptor::use& use, const Call& call, sched::runnable& self,
                                deadline until) noexcept {
  while (use.open()) {
    const attempt got = try_once(call, use.fd());
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
  if (moved) return {.moved = *moved};
  return {.error = moved.error() == errc::cancelled ? ECANCELED : moved.error().value()};
}

template <class Call>
result<long> block_on_thread(descriptor::use& use, const Call& call) noexcept {
  for (;;) {
    const attempt got = block_once(call, use.fd());
    if (got.error == EINTR) continue;
    if (got.error == ECANCELED) return failure(errc::cancelled);
    return verdict<Call>(use, got);
  }
}

template <class Call>
result<long> on_thread(descriptor& d, const Call& call, sched::runnable& self,
                       deadline until) noexcept {
  descriptor::use use(d, Call::way, descriptor::use::by::thread);
  if (!use.open()) return failure(errc::closed);
  if constexpr (requires { Call::number; }) {
    if (until.is_never() && self.ambient_deadline == clock::time_point::max())
      return block_on_thread(use, call);
  }
  return in_turns_on_thread(use, call, self, until);
}

// Calls that never wait are cancellation points too: who streams to a fast peer must be stoppable.
result<> go_on(const sched::runnable& self) noexcept {
  if (self.cancel_requested()) return failure(errc::cancelled);
  if (deadline(self.ambient_deadline).expired()) return failure(errc::deadline_exceeded);
  return {};
}

template <class Call>
result<long> perform(descriptor& d, const Call& call, deadline until) noexcept {
  sched::runnable& self = sched::current();
  if (auto may = go_on(self); !may) return std::unexpected(may.error());
  return self.carrier->shared() ? on_fiber(d, call, until) : on_thread(d, call, self, until);
}

template <class Value>
result<Value> narrowed(result<long> wide) noexcept {
  if (!wide) return std::unexpected(wide.error());
  return static_cast<Value>(*wide);
}

}  // namespace

result<std::size_t> receive(descriptor& d, std::span<std::byte> buffer, deadline until) noexcept {
  if (buffer.empty()) return 0;
  return narrowed<std::size_t>(perform(d, receiving{buffer}, until));
}

result<std::size_t> send(descriptor& d, std::span<const std::byte> bytes, deadline until) noexcept {
  if (bytes.empty()) return 0;
  return narrowed<std::size_t>(perform(d, sending{bytes}, until));
}

result<int> accept(descriptor& d, deadline until) noexcept {
  return narrowed<int>(perform(d, accepting{}, until));
}

}  // namespace cede::io
