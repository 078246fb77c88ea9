// The reference row: the best simple echo server written by hand on edge-triggered epoll. What
// cede's fibers cost is what they add to this loop.
//
// It reads once per event: a read that fills less than the buffer has emptied the socket, so no
// second call has to fetch EAGAIN. It replies by send at once and asks for EPOLLOUT only after a
// send that the socket took in part. EPOLLRDHUP says when a short read must be followed by the
// read that sees the end. The hot path touches no state of its own per connection.
//
// Where descriptors run out it accepts no more until a connection has ended.
//
// With --threads N each thread has its own epoll instance and listener (SO_REUSEPORT), so the
// threads share nothing.

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "baseline_listen.hpp"

namespace {

using namespace bench::baseline;

class echo_loop {
 public:
  echo_loop(int listener, const hog& hogging);
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

  const int listener_;
  const hog hog_;
  const int epoll_;
  bool accepting_ = true;
  std::array<char, read_bytes> buffer_{};
  // Bytes that a full socket did not take; nearly always empty.
  std::unordered_map<int, std::string> unsent_;
  // Connections that have said nothing yet; empty unless somebody is to hog.
  std::unordered_set<int> fresh_;
};

echo_loop::echo_loop(int listener, const hog& hogging)
    : listener_(listener), hog_(hogging), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
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
      if (hog_.first) fresh_.insert(connection);
    } else if (errno == EAGAIN) {
      return;
    } else if (is_passing_shortage(errno)) {
      // Its event would come at once, again and again, while all connections stay.
      watch(EPOLL_CTL_DEL, listener_, 0);
      accepting_ = false;
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
    if (!fresh_.empty() && fresh_.erase(connection) > 0) hog_.before_first_reply(buffer_.front());
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
  if (!fresh_.empty()) fresh_.erase(connection);
  close(connection);
  if (accepting_) return;
  watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  accepting_ = true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto [target, hogging, threads] =
      start_of_loops(argc, argv, "Echo server: hand-written edge-triggered epoll",
                     "echo_baseline_epoll", "epoll instance");
  run_on_threads(target, threads, SOCK_NONBLOCK, [&hogging](int listener) {
    return std::make_unique<echo_loop>(listener, hogging);
  });
}
