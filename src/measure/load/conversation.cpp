#include "measure/load/conversation.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "measure/load/payload.hpp"

namespace cede::measure::load {
namespace {

// Leaves the choice of the port to connect(), which knows the target and so can use one port
// towards several servers.
int bind_source(int socket, const in_addr& source) {
  int on = 1;
  if (setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0) return errno;
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr = source;
  return bind(socket, reinterpret_cast<sockaddr*>(&local), sizeof local) == 0 ? 0 : errno;
}

// The line says what to do where the cause is known.
std::unexpected<failure> connect_failure(const endpoint& target, int error) {
  const char* advice = "";
  if (error == ECONNREFUSED) advice = "; start the server first, or correct --host and --port";
  if (error == EADDRNOTAVAIL)
    advice = "; no local port is left: ask for fewer or widen net.ipv4.ip_local_port_range";
  if (error == EMFILE || error == ENFILE) advice = "; raise RLIMIT_NOFILE (ulimit -Hn)";
  return fail(fmt::format("cannot connect to {}: {}{}", target.text, strerror(error), advice));
}

std::uint32_t choose_salt(const connection_plan& plan, std::uint32_t number) noexcept {
  if (!plan.hog_byte) return 0;
  return plan.behave == connection_plan::temper::hogging
             ? salt_beginning_with(*plan.hog_byte, number)
             : salt_not_beginning_with(*plan.hog_byte, number);
}

}  // namespace

conversation::conversation(io::owned_fd socket, const connection_plan& plan, std::uint32_t number,
                           greeting first)
    : socket_(std::move(socket)),
      plan_(&plan),
      number_(number),
      salt_(choose_salt(plan, number)),
      first_(first) {}

outcome<conversation> conversation::connect(const connection_plan& plan, std::uint32_t number,
                                            greeting first) {
  const endpoint& target = plan.target;
  io::owned_fd socket(
      ::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return connect_failure(target, errno);
  int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (const auto source = source_address(target, number)) {
    if (const int error = bind_source(socket.get(), *source)) return connect_failure(target, error);
  }
  if (::connect(socket.get(), target.address(), target.length) != 0 && errno != EINPROGRESS)
    return connect_failure(target, errno);
  return conversation(std::move(socket), plan, number, first);
}

outcome<> conversation::finish_connect() {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return connect_failure(plan_->target, error);
  state_ = state::resting;
  return first_ == greeting::exchanged ? ask() : outcome<>{};
}

outcome<> conversation::ask() {
  state_ = state::asking;
  ++sequence_;
  sent_ = 0;
  received_ = 0;
  return send_rest();
}

outcome<> conversation::send_rest() {
  std::array<std::byte, 16384> block;
  while (sent_ < plan_->size) {
    const auto bytes =
        std::span(block).first(std::min<std::size_t>(block.size(), plan_->size - sent_));
    fill(id(), sent_, bytes);
    const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return broken(strerror(errno));
    sent_ += static_cast<std::uint32_t>(sent);
  }
  return {};
}

outcome<conversation::progress> conversation::advance(const readiness& ready,
                                                      std::span<std::byte> scratch) {
  if (state_ == state::connecting) {
    if (auto connected = finish_connect(); !connected) return std::unexpected(connected.error());
    return progress::waiting;
  }
  if (state_ == state::asking && sent_ < plan_->size && ready.writable) {
    if (auto sent = send_rest(); !sent) return std::unexpected(sent.error());
  }
  return ready.readable ? receive(scratch) : outcome<progress>(progress::waiting);
}

// A read that does not fill the buffer has emptied the socket (epoll(7), question 9).
outcome<conversation::progress> conversation::receive(std::span<std::byte> scratch) {
  auto result = progress::waiting;
  for (;;) {
    const ssize_t got = recv(socket_.get(), scratch.data(), scratch.size(), 0);
    if (got < 0 && errno == EAGAIN) return result;
    if (got < 0) return broken(strerror(errno));
    if (got == 0) return broken("the server closed the connection");
    const auto reply = scratch.first(static_cast<std::size_t>(got));
    if (auto checked = check(reply); !checked) return std::unexpected(checked.error());
    if (received_ == plan_->size) {
      state_ = state::resting;
      result = progress::answered;
    }
    if (reply.size() < scratch.size()) return result;
  }
}

outcome<> conversation::check(std::span<const std::byte> reply) {
  if (state_ != state::asking || reply.size() > sent_ - received_)
    return broken(fmt::format("wrong reply: {} bytes more than were sent",
                              reply.size() - (sent_ - received_)));
  if (const auto place = first_difference(id(), received_, reply))
    return broken(fmt::format("wrong reply: byte {} differs", *place));
  received_ += static_cast<std::uint32_t>(reply.size());
  return {};
}

std::unexpected<failure> conversation::broken(std::string_view what) const {
  return fail(fmt::format("connection {}, message {}, {} of {} bytes of the reply seen: {}",
                          number_, sequence_, received_, plan_->size, what));
}

void conversation::end_with_reset() noexcept {
  const linger at_once{1, 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace cede::measure::load
