#include "net/socket.hpp"

#include <netinet/in.h>

#include <cerrno>

#include "base/fork_guard.hpp"
#include "base/sys.hpp"
#include "io/descriptor.hpp"

namespace cede {

void detail::descriptor_closer::operator()(io::descriptor* d) const noexcept {
  io::descriptor::destroy(d);
}

namespace net {

namespace sys = base::sys;

result<detail::socket_handle> adopt_socket(int fd) noexcept {
  io::descriptor* const made = io::descriptor::create(fd);
  if (made == nullptr) {
    sys::close(fd);
    return failure_from(ENOMEM);
  }
  return detail::socket_handle(made);
}

result<detail::socket_handle> open_socket(int family, blocking_mode mode) noexcept {
  base::require_not_forked_child("opening a socket");
  const int flags = SOCK_CLOEXEC | (mode == blocking_mode::non_blocking ? SOCK_NONBLOCK : 0);
  const auto fd = sys::socket(family, SOCK_STREAM | flags, IPPROTO_TCP);
  if (!fd) return std::unexpected(fd.error());
  return adopt_socket(*fd);
}

result<> set_option(int fd, int level, int name, int value) noexcept {
  return sys::setsockopt(fd, level, name, &value, sizeof value);
}

namespace {

template <class Ask>
result<endpoint> endpoint_by(const detail::socket_handle& socket, Ask ask) noexcept {
  return with_fd(socket, [&](int fd) -> result<endpoint> {
    socket_address address;
    if (auto asked = ask(fd, address.data(), address.size()); !asked)
      return std::unexpected(asked.error());
    return address.to_endpoint();
  });
}

}  // namespace

result<endpoint> local_endpoint_of(const detail::socket_handle& socket) noexcept {
  return endpoint_by(socket, sys::getsockname);
}

result<endpoint> remote_endpoint_of(const detail::socket_handle& socket) noexcept {
  return endpoint_by(socket, sys::getpeername);
}

void close_socket(const detail::socket_handle& socket) noexcept {
  if (socket != nullptr) socket->close();
}

int native_handle_of(const detail::socket_handle& socket) noexcept {
  return socket == nullptr || socket->is_closed() ? -1 : socket->fd();
}

}  // namespace net
}  // namespace cede
