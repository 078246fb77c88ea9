#include "measure/load/poller.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

namespace cede::measure::load {
namespace {

timespec to_timespec(std::chrono::nanoseconds time) noexcept {
  const auto left = std::max<std::int64_t>(time.count(), 0);
  return {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
}

readiness from_epoll(const epoll_event& event) noexcept {
  constexpr std::uint32_t readable = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  return {.index = event.data.u32,
          .readable = (event.events & readable) != 0,
          .writable = (event.events & EPOLLOUT) != 0};
}

}  // namespace

outcome<poller> poller::create() {
  io::owned_fd epoll(epoll_create1(EPOLL_CLOEXEC));
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

// epoll_pwait2 (Linux 5.11): a schedule of messages needs finer times than epoll_wait's
// milliseconds.
outcome<std::span<const readiness>> poller::wait(std::chrono::nanoseconds timeout) {
  const timespec limit = to_timespec(timeout);
  const int count =
      epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(most_events), &limit, nullptr);
  if (count < 0 && errno != EINTR) return fail_with("epoll_pwait2", errno);
  const auto seen = std::span(events_).first(static_cast<std::size_t>(std::max(count, 0)));
  std::ranges::transform(seen, ready_.begin(), from_epoll);
  return std::span<const readiness>(ready_.data(), seen.size());
}

}  // namespace cede::measure::load
