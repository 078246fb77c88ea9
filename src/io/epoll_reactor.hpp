// The reactor on epoll: readiness is what epoll reports anyway, completions are made of it.
//
// A descriptor is registered once, edge-triggered, for all it may ever say. An operation registers
// its file descriptor for one event and takes it out again at its end.
//
// Actors: the owner's thread; wakers and closers of descriptors (any thread).
// Who may touch what: events_, operations_ and the epoll instance's operations: the owner's thread.
// watched_ and woken_: anyone, atomically.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <memory>

#include "io/event_tag.hpp"
#include "io/owned_fd.hpp"
#include "io/reactor.hpp"

namespace cede::sched {
class worker;
}

namespace cede::io {

class epoll_reactor final : public reactor {
 public:
  /// Errors: errno of epoll_create1 and eventfd (EMFILE, ENFILE, ENOMEM).
  static result<std::unique_ptr<reactor>> create(sched::worker& owner) noexcept;
  ~epoll_reactor() override;

  result<> watch(descriptor& d) noexcept override;
  void unwatch(descriptor& d) noexcept override;
  void submit(operation& o) noexcept override;
  void cancel(operation& o) noexcept override;
  void poll(clock::time_point until) noexcept override;
  void wake() noexcept override;
  bool watching() const noexcept override;
  bool has_news() const noexcept override;

 private:
  // Few enough that what a batch received is still in the cache when its fibers run.
  static constexpr std::size_t events_at_once = 64;

  epoll_reactor(sched::worker& owner, owned_fd epoll, owned_fd waker) noexcept
      : owner_(owner), epoll_(std::move(epoll)), waker_(std::move(waker)) {}

  result<> control(int what, int fd, std::uint32_t events, event_tag tag) noexcept;
  int wait(clock::time_point until) noexcept;
  int wait_for(const timespec& left) noexcept;
  void dispatch(const epoll_event& event) noexcept;
  result<> arm(operation& o, int what) noexcept;
  void carry_on(operation& o) noexcept;
  void finish(operation& o, int outcome) noexcept;
  void check_owner() const noexcept;

  const sched::worker& owner_;
  const owned_fd epoll_;
  const owned_fd waker_;
  std::atomic<bool> woken_{false};  // a count in waker_ that no poll has seen yet
  std::atomic<std::size_t> watched_{0};
  std::size_t operations_ = 0;
  bool has_fine_wait_ = true;
  std::array<epoll_event, events_at_once> events_;
};

}  // namespace cede::io
