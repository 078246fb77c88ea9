// The idle hook of a worker: what it does when no runnable is ready. `io` implements it with a
// reactor, so that `sched` need not know of descriptors; `futex_poller` is for schedulers without
// I/O (tests, computing).
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cstdint>

namespace cede::sched {

class poller {
 public:
  virtual ~poller() = default;

  /// Waits until `until`, an event or `wake()`, and makes the runnables of events ready. Does not
  /// wait if `until` is clock::time_point::min(). The worker's thread only.
  virtual void poll(clock::time_point until) noexcept = 0;

  /// Ends a `poll` under way, or makes the next one not wait. Any thread.
  virtual void wake() noexcept = 0;

  /// Whether an event may come from outside: a busy worker then looks from time to time, and a
  /// deterministic scheduler does not call it a deadlock. The worker's thread only.
  virtual bool watching() const noexcept = 0;

  /// Whether a `poll` would find something, or cannot be known to find nothing. Any thread.
  virtual bool has_news() const noexcept = 0;
};

class futex_poller final : public poller {
 public:
  void poll(clock::time_point until) noexcept override;
  void wake() noexcept override;
  bool watching() const noexcept override { return false; }
  bool has_news() const noexcept override { return woken_.load(std::memory_order_relaxed) != 0; }

 private:
  std::atomic<std::uint32_t> woken_{0};
};

}  // namespace cede::sched
