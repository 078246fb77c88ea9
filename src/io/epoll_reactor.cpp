#include "io/epoll_reactor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <span>

#include "base/assert.hpp"
#include "io/descriptor.hpp"
#include "io/kernel_time.hpp"
#include "io/operation.hpp"
#include "io/poll_edge.hpp"
#include "sched/worker.hpp"

namespace cede::io {
namespace {

namespace sys = base::sys;

constexpr event_tag wake_tag{.about = event_tag::subject::wake};

constexpr std::uint32_t all_edges = edges_of_interest | static_cast<std::uint32_t>(EPOLLET);

// The result of the call that the descriptor is ready for, or -errno.
int call_of(const operation& o) noexcept {
  result<ssize_t> moved = 0;
  if (o.what == operation::code::receive) moved = sys::recv(o.fd, o.buffer, MSG_DONTWAIT);
  if (o.what == operation::code::send)
    moved = sys::send(o.fd, o.buffer, MSG_DONTWAIT | MSG_NOSIGNAL);
  return moved ? static_cast<int>(*moved) : -moved.error().value();
}

// Rounds up: a poll that returns early would be called again and again until the time is there.
int milliseconds_of(const timespec& left) noexcept {
  constexpr long longest = INT_MAX / 1000;
  if (left.tv_sec >= longest) return INT_MAX;
  return static_cast<int>(left.tv_sec * 1000 + (left.tv_nsec + 999'999) / 1'000'000);
}

}  // namespace

result<std::unique_ptr<reactor>> epoll_reactor::create(sched::worker& owner) noexcept {
  if (const int error = sys::injected_fault(sys::call::reactor_create).error; error != 0)
    return failure_from(error);
  owned_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return failure_from(errno);
  const auto waker = sys::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (!waker) return std::unexpected(waker.error());
  std::unique_ptr<epoll_reactor> made(new (std::nothrow)
                                          epoll_reactor(owner, std::move(epoll), owned_fd(*waker)));
  if (made == nullptr) return failure_from(ENOMEM);
  // Edge-triggered: each write is an edge, so the count need never be read.
  const std::uint32_t events = EPOLLIN | static_cast<std::uint32_t>(EPOLLET);
  if (auto added = made->control(EPOLL_CTL_ADD, *waker, events, wake_tag); !added)
    return std::unexpected(added.error());
  return made;
}

epoll_reactor::~epoll_reactor() { descriptor::forget_reactor(*this); }

void epoll_reactor::check_owner() const noexcept {
  CEDE_ASSERT(sched::worker::current() == nullptr || sched::worker::current() == &owner_,
              "a reactor is used by another worker");
}

result<> epoll_reactor::control(int what, int fd, std::uint32_t events, event_tag tag) noexcept {
  if (const int error = sys::injected_fault(sys::call::reactor_control, fd).error; error != 0)
    return failure_from(error);
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag.packed();
  if (::epoll_ctl(epoll_.get(), what, fd, &event) < 0) return failure_from(errno);
  return {};
}

result<> epoll_reactor::watch(descriptor& d) noexcept {
  check_owner();
  watched_.fetch_add(1, std::memory_order_relaxed);
  auto added = control(EPOLL_CTL_ADD, d.fd(), all_edges, d.tag());
  if (!added) watched_.fetch_sub(1, std::memory_order_relaxed);
  return added;
}

// The kernel takes a file out of the set when its last descriptor is closed. Where a forked child
// still has one, edges go on to come, with a generation that is over.
void epoll_reactor::unwatch(descriptor&) noexcept {
  watched_.fetch_sub(1, std::memory_order_relaxed);
}

bool epoll_reactor::watching() const noexcept {
  return operations_ != 0 || watched_.load(std::memory_order_relaxed) != 0;
}

// The set is a file that is readable while it has events to tell of.
bool epoll_reactor::has_news() const noexcept {
  pollfd set{.fd = epoll_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&set, 1, 0) != 0;
}

// The file may be in the set already, for a descriptor or for the other direction: a duplicate is a
// key of its own.
result<> epoll_reactor::arm(operation& o, int what) noexcept {
  const std::uint32_t wanted = o.reads() ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
  const std::uint32_t events = wanted | EPOLLONESHOT;
  auto added = control(what, o.watched_fd, events, o.tag());
  if (added || what == EPOLL_CTL_MOD || added.error().value() != EEXIST) return added;
  const auto duplicate = sys::fcntl(o.fd, F_DUPFD_CLOEXEC, 0);
  if (!duplicate) return std::unexpected(duplicate.error());
  o.watched_fd = *duplicate;
  added = control(what, o.watched_fd, events, o.tag());
  if (!added) sys::close(o.watched_fd);
  return added;
}

void epoll_reactor::submit(operation& o) noexcept {
  check_owner();
  CEDE_ASSERT(!o.outstanding, "an I/O operation is submitted twice");
  o.outstanding = true;
  o.watched_fd = o.fd;
  auto armed = arm(o, EPOLL_CTL_ADD);
  if (armed) {
    ++operations_;
    return;
  }
  // Files that cannot be waited for never block.
  const int error = armed.error().value();
  o.complete(error == EPERM ? call_of(o) : -error);
}

void epoll_reactor::cancel(operation& o) noexcept {
  check_owner();
  if (o.outstanding) finish(o, -ECANCELED);
}

void epoll_reactor::carry_on(operation& o) noexcept {
  const int outcome = call_of(o);
  if ((outcome == -EAGAIN || outcome == -EINTR) && arm(o, EPOLL_CTL_MOD)) return;
  finish(o, outcome);
}

void epoll_reactor::finish(operation& o, int outcome) noexcept {
  static_cast<void>(control(EPOLL_CTL_DEL, o.watched_fd, 0, wake_tag));
  if (o.watched_fd != o.fd) sys::close(o.watched_fd);
  --operations_;
  o.complete(outcome);
}

// What an event leads to is cold: the descriptor is fetched some events ahead, its reader's control
// block a few less.
void epoll_reactor::poll(clock::time_point until) noexcept {
  check_owner();
  constexpr std::size_t reader_ahead = 3;
  constexpr std::size_t descriptor_ahead = 6;
  const auto news = std::span(events_).first(static_cast<std::size_t>(wait(until)));
  for (const epoll_event& event : news.first(std::min(news.size(), descriptor_ahead)))
    descriptor::prefetch(event_tag::unpacked(event.data.u64));
  for (std::size_t i = 0; i < news.size(); ++i) {
    if (i + descriptor_ahead < news.size())
      descriptor::prefetch(event_tag::unpacked(news[i + descriptor_ahead].data.u64));
    if (i + reader_ahead < news.size())
      descriptor::prefetch_reader(event_tag::unpacked(news[i + reader_ahead].data.u64));
    dispatch(news[i]);
  }
}

void epoll_reactor::dispatch(const epoll_event& event) noexcept {
  const event_tag tag = event_tag::unpacked(event.data.u64);
  switch (tag.about) {
    case event_tag::subject::descriptor:
      return descriptor::deliver(tag, edge_of(event.events));
    case event_tag::subject::operation:
      if (operation* const o = operation::find(tag); o != nullptr && o->outstanding) carry_on(*o);
      return;
    case event_tag::subject::wake:
      // A waker that still finds `true` has come during this poll, which is about to end.
      woken_.store(false, std::memory_order_seq_cst);
      return;
    case event_tag::subject::nobody:
      return;
  }
}

int epoll_reactor::wait(clock::time_point until) noexcept {
  if (sys::injected_fault(sys::call::reactor_wait).error != 0) return 0;
  int count = 0;
  if (until == clock::time_point::min())
    count = ::epoll_wait(epoll_.get(), events_.data(), events_at_once, 0);
  else if (until == clock::time_point::max())
    count = ::epoll_wait(epoll_.get(), events_.data(), events_at_once, -1);
  else
    count = wait_for(time_left(until));
  CEDE_REQUIRE(count >= 0 || errno == EINTR,
               "epoll_wait failed: was a descriptor closed by number?");
  return std::max(count, 0);
}

int epoll_reactor::wait_for(const timespec& left) noexcept {
  if (has_fine_wait_) {
    const int count = ::epoll_pwait2(epoll_.get(), events_.data(), events_at_once, &left, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    has_fine_wait_ = false;  // before Linux 5.11
  }
  return ::epoll_wait(epoll_.get(), events_.data(), events_at_once, milliseconds_of(left));
}

void epoll_reactor::wake() noexcept {
  if (woken_.exchange(true, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  // Fails only once 2^64 - 2 wakes have been counted.
  static_cast<void>(::write(waker_.get(), &one, sizeof one));
}

}  // namespace cede::io
