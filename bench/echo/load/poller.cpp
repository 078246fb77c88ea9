#include "poller.hpp"

#include <algorithm>
#include <cerrno>

namespace bench::load {

outcome<poller> poller::create() {
  descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return fail_with("epoll_create1", errno);
  return poller(std::move(epoll));
}

outcome<> poller::add(int socket, std::uint32_t index) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u32 = index;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event) != 0)
    return fail_with("epoll_ctl", errno);
  return {};
}

outcome<std::span<const epoll_event>> poller::wait(std::chrono::nanoseconds timeout) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  const int milliseconds = static_cast<int>(std::clamp<std::int64_t>(rounded, 0, 3'600'000));
  for (;;) {
    const int count =
        epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), milliseconds);
    if (count >= 0)
      return std::span<const epoll_event>(events_.data(), static_cast<std::size_t>(count));
    // A stop and continue from the terminal; the caller would take an early return for silence.
    if (errno != EINTR) return fail_with("epoll_wait", errno);
  }
}

}  // namespace bench::load
