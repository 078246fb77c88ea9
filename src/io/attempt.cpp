#include "io/attempt.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/sanitizers.hpp"
#include "base/sys.hpp"

namespace cede::io {
namespace {

namespace sys = base::sys;

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

attempt outcome_of(ssize_t returned) noexcept {
  if (returned < 0) return {.error = errno};
  return {.moved = static_cast<std::size_t>(returned)};
}

}  // namespace

attempt try_receive(int fd, std::span<std::byte> to) noexcept {
  const sys::fault made = sys::injected_fault(sys::call::recv, fd);
  if (made.error != 0) [[unlikely]] {
    return {.error = made.error};
  }
  const std::size_t asked = std::min(to.size(), made.limit_bytes);
  attempt got = outcome_of(receive_now(fd, to.first(asked)));
  got.emptied = got.moved > 0 && got.moved < asked;
  return got;
}

attempt try_send(int fd, std::span<const std::byte> from) noexcept {
  const sys::fault made = sys::injected_fault(sys::call::send, fd);
  if (made.error != 0) [[unlikely]] {
    return {.error = made.error};
  }
  return outcome_of(send_now(fd, from.first(std::min(from.size(), made.limit_bytes))));
}

attempt try_accept(int fd) noexcept {
  const sys::fault made = sys::injected_fault(sys::call::accept4, fd);
  if (made.error != 0) [[unlikely]] {
    return {.error = made.error};
  }
  return outcome_of(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
}

bool is_readable(int fd) noexcept {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  const auto count = sys::poll({&one, 1}, 0);
  // In doubt it is: then the call itself tells.
  return !count || (one.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

}  // namespace cede::io
