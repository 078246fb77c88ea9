// One epoll instance whose events carry the index of a connection.
//
// The load generator waits by itself and not through cede's reactors: it is the other end of what
// is measured, and must not get faster or slower, or fail, with it.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "io/owned_fd.hpp"
#include "measure/load/failure.hpp"

namespace cede::measure::load {

/// What happened to connection `index` since it was last reported.
struct readiness {
  std::uint32_t index = 0;
  /// There is something to read, the end of the stream and errors included.
  bool readable = false;
  bool writable = false;
};

class poller {
 public:
  static outcome<poller> create();

  /// Edge-triggered, for reading, writing and the peer's end of file.
  outcome<> add(int socket, std::uint32_t index);

  /// Waits at most `timeout`. An empty span: the time is over, or a signal came.
  outcome<std::span<const readiness>> wait(std::chrono::nanoseconds timeout);

 private:
  explicit poller(io::owned_fd epoll) : epoll_(std::move(epoll)) {}

  static constexpr std::size_t most_events = 512;

  io::owned_fd epoll_;
  std::array<epoll_event, most_events> events_{};
  std::array<readiness, most_events> ready_{};
};

}  // namespace cede::measure::load
