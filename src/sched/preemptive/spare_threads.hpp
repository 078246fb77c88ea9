// Threads that stand in where a worker's thread is held up: they host the worker
// (worker_hosting.cpp) or run preemptive fibers in its place until it goes on ("rescue"), because
// one of those may hold the lock of the C library that it waits for.
//
// Actors: the spare threads; the monitor, which gives orders; the clerk, a thread that starts
// further spare threads, as this takes locks of the C library (malloc's, the loader's) which a
// preempted fiber may hold: then the clerk waits, but the monitor must not.
// States of `spare::state_`:
//   absent    no thread: the clerk's
//   idle      its thread waits for an order
//   reserved  by the monitor, which is about to give it an order, or to put it back
//   ordered   its thread carries the order out
//   over      its thread ends, and the clerk joins it
// Rules
//   1. `idle` becomes `reserved` by the monitor or by stop(), and `over` by its own thread: by
//      compare-and-swap. All other changes are by the one whose state it is.
//   2. One spare thread at the least is idle, for rescues, whatever the clerk waits for, unless it
//      has to rescue: nobody hosts on the last one, and the last one does not end.
//   3. What a stray tells its host (`arrived_`), and a worker that makes way (`vacated_`), it
//   writes
//      before it switches to the host's flow, on the same thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cede/clock.hpp>
#include <cede/error.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "context/fiber_context.hpp"
#include "sched/preemptive/stray.hpp"

namespace cede::sched {

class spare_threads;
class worker;

class spare {
 public:
  enum class order : std::uint8_t { host, rescue, end };

  explicit spare(spare_threads& of) noexcept : pool_(of) {}

  // For the monitor.
  /// From idle to reserved; false if it is not idle.
  bool reserve() noexcept;
  /// From reserved.
  void give(order what, worker* about) noexcept;
  void put_back() noexcept;
  bool rescues(const worker& w) const noexcept;
  /// A rescue is to end with what runs now.
  void recall() noexcept { recalled_.store(true, std::memory_order_relaxed); }
  stray& straying() noexcept { return straying_; }

  // On its own thread, whatever that is at the moment.
  pid_t number() const noexcept { return number_; }
  context::fiber_context& own_flow() noexcept { return *flow_; }
  const context::fiber_context::os_thread_state& as_os_thread() const noexcept { return os_; }
  /// `w` is about to leave this thread: it is vacant then.
  void expect_vacated(worker& w) noexcept { vacated_ = &w; }
  /// Called by the stray that runs here: it leaves, and goes on when its worker runs it.
  void receive(fiber& self, departure how) noexcept;

 private:
  friend class spare_threads;
  static constexpr std::uint32_t absent_state = 0;
  static constexpr std::uint32_t idle_state = 1;
  static constexpr std::uint32_t reserved_state = 2;
  static constexpr std::uint32_t ordered_state = 3;
  static constexpr std::uint32_t over_state = 4;

  void serve() noexcept;
  bool await_order() noexcept;
  void carry_out() noexcept;
  void host(worker& w) noexcept;
  void rescue(worker& w) noexcept;
  void run_in_place_of(worker& w, fiber& f) noexcept;
  void pass_on(fiber& f) noexcept;

  spare_threads& pool_;
  std::atomic<std::uint32_t> state_{absent_state};
  order order_{};
  std::atomic<worker*> about_{nullptr};
  std::atomic<bool> recalled_{false};
  stray straying_{this};
  std::thread thread_;
  pid_t number_ = 0;
  context::fiber_context* flow_ = nullptr;
  context::fiber_context::os_thread_state os_;
  worker* vacated_ = nullptr;  // rule 3
  fiber* arrived_ = nullptr;   // rule 3
  departure how_{};
};

class spare_threads {
 public:
  static constexpr std::chrono::seconds idle_time{10};

  /// `most` that are not idle at once; 0: there are none.
  explicit spare_threads(unsigned most);
  ~spare_threads();
  spare_threads(const spare_threads&) = delete;
  spare_threads& operator=(const spare_threads&) = delete;

  /// Starts the clerk and the first spare thread, unless they run. Any thread.
  /// Errors: thread_unavailable.
  result<> start();
  /// Ends all threads. Requires: no fiber is left that could be a stray.
  void stop() noexcept;

  // For the monitor.
  std::size_t most() const noexcept { return most_ == 0 ? 0 : most_ + 1; }
  bool started() const noexcept { return started_.load(std::memory_order_acquire); }
  /// Requires: started() has been true.
  const std::vector<std::unique_ptr<spare>>& all() const noexcept { return all_; }
  /// An idle one. Null if there is none to be had for it (rule 2), perhaps a moment later.
  spare* reserve(spare::order what) noexcept;
  /// Whether one may be idle soon, if none is.
  bool may_grow() const noexcept;

 private:
  friend class spare;
  void keep_ready() noexcept;
  void start_one();
  void want_more() noexcept;
  bool may_end() noexcept;

  const unsigned most_;
  std::vector<std::unique_ptr<spare>> all_;  // complete before `started_`, and for good
  std::atomic<std::uint32_t> idle_{0};
  std::atomic<std::uint32_t> wanted_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> started_{false};
  std::mutex start_lock_;
  std::thread clerk_;
};

}  // namespace cede::sched
