// A scheduling policy: in which order one worker runs what is ready. Four verbs; the worker does
// the rest (inbox, timers, polling, idling), so a policy is a small class.
//
// Threads: one policy belongs to one worker, and only that worker's thread calls it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "base/intrusive_list.hpp"
#include "sched/runnable.hpp"

namespace cede::sched {

class policy {
 public:
  virtual ~policy() = default;
  /// `r` has become ready, or has yielded.
  virtual void awakened(runnable& r) noexcept = 0;
  /// Takes out the one to run next; null if none is ready.
  virtual runnable* pick_next() noexcept = 0;
  virtual bool has_ready() const noexcept = 0;
  virtual std::size_t ready_count() const noexcept = 0;
  /// Who will probably be picked next, and after that its `queue_next`, to warm up the cache for
  /// them; null if that is not known.
  virtual const runnable* upcoming() const noexcept { return nullptr; }
  /// Whether somebody is ready who should not wait for what starts anew.
  virtual bool urgent() const noexcept { return has_ready(); }
};

using run_queue = base::intrusive_queue<runnable, &runnable::queue_next>;

/// Ready runnables in three classes by `runnable::priority` (0 most urgent). A more urgent class
/// goes first, but after `starvation_bound` picks in a row that passed over a waiting class, that
/// class gets one: nobody starves, whatever the urgent ones do.
class class_queues {
 public:
  static constexpr std::size_t classes = 3;
  static constexpr unsigned starvation_bound = 32;

  void push(runnable& r) noexcept;
  runnable* pop() noexcept;
  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }
  /// Of the most urgent class that has one; null if empty.
  runnable* front() const noexcept;

 private:
  runnable* take(std::size_t which) noexcept;

  std::array<run_queue, classes> queue_;
  std::array<unsigned, classes> passed_over_{};
  std::size_t count_ = 0;
};

/// First come, first served.
class fifo_policy final : public policy {
 public:
  void awakened(runnable& r) noexcept override { queue_.push_back(r); }
  runnable* pick_next() noexcept override { return queue_.pop_front(); }
  bool has_ready() const noexcept override { return !queue_.empty(); }
  std::size_t ready_count() const noexcept override { return queue_.size(); }
  const runnable* upcoming() const noexcept override { return queue_.front(); }

 private:
  run_queue queue_;
};

/// By priority, with a bound on starvation: class_queues.
class priority_policy final : public policy {
 public:
  static constexpr std::size_t classes = class_queues::classes;
  static constexpr unsigned starvation_bound = class_queues::starvation_bound;

  void awakened(runnable& r) noexcept override { ready_.push(r); }
  runnable* pick_next() noexcept override { return ready_.pop(); }
  bool has_ready() const noexcept override { return !ready_.empty(); }
  std::size_t ready_count() const noexcept override { return ready_.size(); }

 private:
  class_queues ready_;
};

/// For tests: a seed decides who runs next, so one seed is one schedule, again and again.
class seeded_policy final : public policy {
 public:
  explicit seeded_policy(std::uint64_t seed) : random_(seed) {}
  void awakened(runnable& r) noexcept override { ready_.push_back(&r); }
  runnable* pick_next() noexcept override;
  bool has_ready() const noexcept override { return !ready_.empty(); }
  std::size_t ready_count() const noexcept override { return ready_.size(); }

 private:
  std::mt19937_64 random_;
  std::vector<runnable*> ready_;
};

}  // namespace cede::sched
