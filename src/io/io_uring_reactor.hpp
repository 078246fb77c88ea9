// The reactor on io_uring: completions are what the kernel delivers anyway, readiness is a
// multishot poll, which posts a completion at each edge.
//
// It fulfils the contract with one system call for each request. What io_uring is faster by
// (requests in batches, multishot receives into provided buffers) changes nothing in the contract.
//
// Actors and who may touch what: as in epoll_reactor.hpp; unwatch, from any thread, cancels in the
// kernel and leaves the rings alone. It must cancel: a pending poll keeps the socket open beyond
// close(2), and the peer would not see the end.
#pragma once

#include <atomic>
#include <memory>

#include "io/io_uring_ring.hpp"
#include "io/owned_fd.hpp"
#include "io/reactor.hpp"

namespace cede::sched {
class worker;
}

namespace cede::io {

class io_uring_reactor final : public reactor {
 public:
  /// Errors: not_supported; errno of eventfd and io_uring_setup (EMFILE, ENOMEM).
  static result<std::unique_ptr<reactor>> create(sched::worker& owner) noexcept;
  ~io_uring_reactor() override;

  result<> watch(descriptor& d) noexcept override;
  void unwatch(descriptor& d) noexcept override;
  void submit(operation& o) noexcept override;
  void cancel(operation& o) noexcept override;
  void poll(clock::time_point until) noexcept override;
  void wake() noexcept override;
  bool watching() const noexcept override;
  bool has_news() const noexcept override;

 private:
  io_uring_reactor(sched::worker& owner, std::unique_ptr<io_uring_ring> ring,
                   owned_fd waker) noexcept
      : owner_(owner), ring_(std::move(ring)), waker_(std::move(waker)) {}

  result<> watch_waker() noexcept;
  void dispatch(const io_uring_cqe& entry) noexcept;
  void on_edge(const io_uring_cqe& entry) noexcept;
  void on_completion(const io_uring_cqe& entry) noexcept;
  void check_owner() const noexcept;

  const sched::worker& owner_;
  const std::unique_ptr<io_uring_ring> ring_;
  const owned_fd waker_;
  std::atomic<bool> woken_{false};
  std::atomic<std::size_t> watched_{0};
  std::size_t operations_ = 0;
  bool waker_watched_ = false;
};

}  // namespace cede::io
