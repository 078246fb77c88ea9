// One epoll instance whose events carry the index of a connection.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "descriptor.hpp"
#include "failure.hpp"

namespace bench::load {

class poller {
 public:
  static outcome<poller> create();

  /// Edge-triggered, for reading, writing and the peer's end of file.
  outcome<> add(int socket, std::uint32_t index);

  /// Waits at most `timeout` (rounded up to a millisecond). An empty span: the time is over.
  outcome<std::span<const epoll_event>> wait(std::chrono::nanoseconds timeout);

 private:
  explicit poller(descriptor epoll) : epoll_(std::move(epoll)) {}

  descriptor epoll_;
  std::array<epoll_event, 512> events_{};
};

}  // namespace bench::load
