// The reference row: the best simple echo server written by hand on edge-triggered epoll. What
// cede's fibers cost is what they add to this loop.
//
// It reads once per event: a read that fills less than the buffer has emptied the socket, so no
// second call has to fetch EAGAIN. It replies by send at once and asks for EPOLLOUT only after a
// send that the socket took in part. EPOLLRDHUP says when a short read must be followed by the
// read that sees the end. The hot path touches no state of its own per connection.
//
// With --threads N each thread has its own epoll instance and listener (SO_REUSEPORT), so the
// threads share nothing.

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "baseline_listen.hpp"

namespace {

using namespace bench::baseline;

class echo_loop {
 public:
  explicit echo_loop(int listener);
  [[noreturn]] void run();

 private:
  enum class socket_state { open, blocked, closed };

  void watch(int operation, int descriptor, std::uint32_t events);
  void accept_all();
  void serve(int connection, std::uint32_t events);
  socket_state flush(int connection);
  socket_state reply(int connection, std::string_view bytes);
  void drop(int connection);

  static constexpr std::uint32_t reading = EPOLLIN | EPOLLRDHUP | EPOLLET;

  int listener_;
  int epoll_;
  std::array<char, read_bytes> buffer_{};
  // Bytes that a full socket did not take; nearly always empty.
  std::unordered_map<int, std::string> unsent_;
};

echo_loop::echo_loop(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) fail(fmt::format("epoll_create1: {}", strerror(errno)));
  watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
}

void echo_loop::watch(int operation, int descriptor, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll_, operation, descriptor, &event) != 0)
    fail(fmt::format("epoll_ctl: {}", strerror(errno)));
}

void echo_loop::run() {
  std::array<epoll_event, 512> events;
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener_)
        accept_all();
      else
        serve(events[i].data.fd, events[i].events);
    }
  }
}

void echo_loop::accept_all() {
  for (;;) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0) {
      disable_nagle(connection);
      watch(EPOLL_CTL_ADD, connection, reading);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      fail(accept_failure(errno));
    }
  }
}

void echo_loop::serve(int connection, std::uint32_t events) {
  if (!unsent_.empty() && unsent_.contains(connection)) {
    const auto state = flush(connection);
    if (state == socket_state::closed) return drop(connection);
    if (state == socket_state::blocked) return;
  }
  const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  for (;;) {
    const ssize_t got = recv(connection, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(connection);
    const auto size = static_cast<std::size_t>(got);
    const auto state = reply(connection, {buffer_.data(), size});
    if (state == socket_state::closed) return drop(connection);
    if (state == socket_state::blocked) return;
    if (size < buffer_.size() && !ending) return;
  }
}

echo_loop::socket_state echo_loop::reply(int connection, std::string_view bytes) {
  const ssize_t sent = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(bytes.size())) return socket_state::open;
  if (sent < 0 && errno != EAGAIN) return socket_state::closed;
  if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  unsent_.emplace(connection, bytes);
  watch(EPOLL_CTL_MOD, connection, reading | EPOLLOUT);
  return socket_state::blocked;
}

echo_loop::socket_state echo_loop::flush(int connection) {
  std::string bytes = std::move(unsent_.extract(connection).mapped());
  const auto state = reply(connection, bytes);
  if (state == socket_state::open) watch(EPOLL_CTL_MOD, connection, reading);
  return state;
}

void echo_loop::drop(int connection) {
  if (!unsent_.empty()) unsent_.erase(connection);
  close(connection);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Echo server: hand-written edge-triggered epoll", "echo_baseline_epoll"};
  address target;
  unsigned threads = 1;
  add_address_options(app, target);
  app.add_option("--threads", threads, "threads, each with its own epoll instance")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  parse_or_exit(app, argc, argv);

  raise_descriptor_limit();
  exit_on_termination_signals();
  const auto sharing = threads > 1 ? port_sharing::between_threads : port_sharing::exclusive;
  std::vector<int> listeners;
  for (unsigned i = 0; i < threads; ++i) {
    auto listener = listen_on(target, SOCK_NONBLOCK, sharing);
    if (!listener) fail(listener.error());
    listeners.push_back(*listener);
    target.port = local_port(*listener);
  }
  announce(target, listeners.front());
  for (unsigned i = 1; i < threads; ++i)
    std::thread([listener = listeners[i]] { echo_loop(listener).run(); }).detach();
  echo_loop(listeners.front()).run();
}
