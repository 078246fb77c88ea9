#include <netinet/tcp.h>
#include <sys/resource.h>

#include <algorithm>
#include <cede/tcp.hpp>
#include <cerrno>
#include <string>

#include "base/log.hpp"
#include "base/sys.hpp"
#include "io/transfer.hpp"
#include "net/resolver.hpp"
#include "net/socket.hpp"

namespace cede {
namespace {

namespace sys = base::sys;
using namespace std::chrono_literals;

constexpr clock::duration first_pause = 10ms;
constexpr clock::duration longest_pause = 1s;
constexpr clock::duration quiet_time = 10s;  // between two log lines about the same listener

// TCP_NODELAY is passed on to the connections that come in, which spares a call for each.
result<> prepare(int fd, const endpoint& at, const listen_options& options) noexcept {
  result<> done = net::set_option(fd, SOL_SOCKET, SO_REUSEADDR, net::as_int(options.reuse_address));
  if (done && options.reuse_port == toggle::on)
    done = net::set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (done && at.is_v6())
    done = net::set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, net::as_int(options.v6_only));
  if (done) done = net::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return done;
}

result<detail::socket_handle> listening_socket(const endpoint& at,
                                               const listen_options& options) noexcept {
  auto socket = net::open_socket(at.is_v4() ? AF_INET : AF_INET6, net::blocking_mode::non_blocking);
  if (!socket) return socket;
  const int fd = (*socket)->fd();
  const net::socket_address address(at);
  result<> done = prepare(fd, at, options);
  if (done) done = sys::bind(fd, address.data(), address.length());
  if (done) done = sys::listen(fd, options.backlog);
  if (!done) return std::unexpected(done.error());
  return socket;
}

bool is_errno(std::error_code error) noexcept { return error.category() == std::system_category(); }

// The process or the system is out of something that others may give back, or forbids the call: a
// seccomp filter or security module says EPERM before it has taken a connection out of the queue,
// so trying again at once would spin.
bool is_shortage(std::error_code error) noexcept {
  constexpr std::array shortages{EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM};
  return is_errno(error) && std::ranges::find(shortages, error.value()) != shortages.end();
}

// A connection that failed while it was in the queue; accept(2), "Error handling".
bool is_about_one_connection(std::error_code error) noexcept {
  constexpr std::array failures{ECONNABORTED, EPROTO,       ENETDOWN,    ENOPROTOOPT, EHOSTDOWN,
                                ENONET,       EHOSTUNREACH, ENETUNREACH, ETIMEDOUT};
  return is_errno(error) && std::ranges::find(failures, error.value()) != failures.end();
}

std::string shortage_text(std::error_code error) {
  std::string text = "accept: " + error.message();
  rlimit limit{};
  if (error.value() == EMFILE && ::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    text += " (the limit is " + std::to_string(limit.rlim_cur) + ": raise it with ulimit -n)";
  return text + "; connections wait, and it is tried again";
}

void report_once(detail::accept_trouble& trouble, std::error_code error) {
  const clock::time_point now = clock::now();
  const bool fresh = trouble.last_report == clock::time_point::min();
  if (!fresh && now - trouble.last_report < quiet_time) return;
  trouble.last_report = now;
  base::log(log_level::warning, shortage_text(error));
}

// Waits, longer each time. Errors: closed, cancelled, deadline_exceeded.
result<> wait_out(io::descriptor& listener, detail::accept_trouble& trouble, deadline until) {
  trouble.pause = std::clamp(trouble.pause * 2, first_pause, longest_pause);
  const deadline pause_end = trouble.pause;
  const deadline end = deadline::earlier(pause_end, until);
  if (auto waited = io::back_off(listener, end.when()); !waited) return waited;
  if (end < pause_end) return failure(errc::deadline_exceeded);
  return {};
}

}  // namespace

result<tcp_listener> tcp_listener::bind(const endpoint& at, const listen_options& options) {
  auto socket = listening_socket(at, options);
  if (!socket) return std::unexpected(socket.error());
  return tcp_listener(std::move(*socket));
}

result<tcp_listener> tcp_listener::bind(std::string_view host, std::uint16_t port,
                                        const listen_options& options) {
  const auto addresses = net::resolve(host, port, net::resolve_for::listening);
  if (!addresses) return std::unexpected(addresses.error());
  return net::first_that_works(*addresses, [&](const endpoint& at) { return bind(at, options); });
}

result<tcp_stream> tcp_listener::accept(deadline until) {
  if (socket_ == nullptr) return failure(errc::closed);
  for (;;) {
    const auto fd = io::accept(*socket_, until);
    const std::error_code error = fd ? std::error_code() : fd.error();
    if (fd) {
      trouble_.pause = {};
      auto socket = net::adopt_socket(*fd);
      if (!socket) return std::unexpected(socket.error());
      return tcp_stream(std::move(*socket));
    }
    if (is_about_one_connection(error)) continue;
    if (!is_shortage(error)) return std::unexpected(error);
    report_once(trouble_, error);
    if (auto waited = wait_out(*socket_, trouble_, until); !waited)
      return std::unexpected(waited.error());
  }
}

result<endpoint> tcp_listener::local_endpoint() const { return net::local_endpoint_of(socket_); }

void tcp_listener::close() noexcept { net::close_socket(socket_); }

int tcp_listener::native_handle() const noexcept { return net::native_handle_of(socket_); }

}  // namespace cede
