#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cede/tcp.hpp>
#include <cerrno>
#include <climits>

#include "base/sys.hpp"
#include "io/transfer.hpp"
#include "net/resolver.hpp"
#include "net/socket.hpp"

namespace cede {
namespace {

namespace sys = base::sys;

result<> bind_to(int fd, const endpoint& local) noexcept {
  const net::socket_address address(local);
  return sys::bind(fd, address.data(), address.length());
}

// The socket is non-blocking only while it connects: afterwards fibers ask for that call by call,
// and OS threads want it to block.
result<> start_blocking(int fd) noexcept {
  int off = 0;
  auto set = sys::ioctl(fd, FIONBIO, &off);
  if (!set) return std::unexpected(set.error());
  return {};
}

result<> establish(io::descriptor& socket, const endpoint& to, deadline until) noexcept {
  const net::socket_address address(to);
  auto begun = sys::connect(socket.fd(), address.data(), address.length());
  if (begun) return begun;
  const int error = begun.error().value();
  if (error != EINPROGRESS && error != EINTR) return begun;
  return io::await_connected(socket, until);
}

result<detail::socket_handle> connect_socket(const endpoint& to, deadline until,
                                             const connect_options& options) noexcept {
  auto socket = net::open_socket(to.is_v4() ? AF_INET : AF_INET6, net::blocking_mode::non_blocking);
  if (!socket) return socket;
  const int fd = (*socket)->fd();
  result<> done;
  if (options.from) done = bind_to(fd, *options.from);
  if (done && options.no_delay == toggle::on)
    done = net::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (done) done = establish(**socket, to, until);
  if (done) done = start_blocking(fd);
  if (!done) return std::unexpected(done.error());
  return socket;
}

result<> set_size(const detail::socket_handle& socket, int option, std::size_t bytes) noexcept {
  const auto size = static_cast<int>(std::min<std::size_t>(bytes, INT_MAX));
  return net::with_fd(socket,
                      [=](int fd) { return net::set_option(fd, SOL_SOCKET, option, size); });
}

int seconds_of(std::chrono::seconds time) noexcept {
  return static_cast<int>(std::clamp<std::chrono::seconds::rep>(time.count(), 1, INT_MAX));
}

}  // namespace

result<tcp_stream> tcp_stream::connect(const endpoint& to, deadline until,
                                       const connect_options& options) {
  auto socket = connect_socket(to, until, options);
  if (!socket) return std::unexpected(socket.error());
  return tcp_stream(std::move(*socket));
}

result<tcp_stream> tcp_stream::connect(std::string_view host, std::uint16_t port, deadline until,
                                       const connect_options& options) {
  const auto addresses = net::resolve(host, port, net::resolve_for::connecting);
  if (!addresses) return std::unexpected(addresses.error());
  return net::first_that_works(*addresses,
                               [&](const endpoint& to) { return connect(to, until, options); });
}

result<std::size_t> tcp_stream::read_some(std::span<std::byte> buffer, deadline until) {
  if (socket_ == nullptr) return failure(errc::closed);
  return io::receive(*socket_, buffer, until);
}

result<std::size_t> tcp_stream::write_some(std::span<const std::byte> bytes, deadline until) {
  if (socket_ == nullptr) return failure(errc::closed);
  return io::send(*socket_, bytes, until);
}

result<> tcp_stream::shutdown_write() {
  return net::with_fd(socket_, [](int fd) { return sys::shutdown(fd, SHUT_WR); });
}

void tcp_stream::close() noexcept { net::close_socket(socket_); }

result<endpoint> tcp_stream::local_endpoint() const { return net::local_endpoint_of(socket_); }

result<endpoint> tcp_stream::remote_endpoint() const { return net::remote_endpoint_of(socket_); }

result<> tcp_stream::set_no_delay(toggle value) {
  return net::with_fd(socket_, [=](int fd) {
    return net::set_option(fd, IPPROTO_TCP, TCP_NODELAY, net::as_int(value));
  });
}

result<> tcp_stream::set_keep_alive(std::optional<keep_alive> value) {
  return net::with_fd(socket_, [&](int fd) {
    if (!value) return net::set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
    auto set = net::set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds_of(value->idle));
    if (set) set = net::set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds_of(value->interval));
    if (set) set = net::set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, value->probes);
    if (set) set = net::set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    return set;
  });
}

result<> tcp_stream::set_send_buffer(std::size_t bytes) {
  return set_size(socket_, SO_SNDBUF, bytes);
}

result<> tcp_stream::set_receive_buffer(std::size_t bytes) {
  return set_size(socket_, SO_RCVBUF, bytes);
}

int tcp_stream::native_handle() const noexcept { return net::native_handle_of(socket_); }

}  // namespace cede
