// For tests: runs a function as each kind of execution that the calls of io/ and net/ serve, and
// others beside it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cede/reactor_kind.hpp>
#include <cede/spawn.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <thread>

#include "context/interruptible.hpp"
#include "io/choose.hpp"
#include "sched/parking.hpp"
#include "sched/scheduler.hpp"

namespace cede::io {

enum class execution : std::uint8_t {
  fiber_on_epoll,
  fibers_on_two_workers,
  fiber_on_io_uring,
  os_thread,
  foreign_thread,  // of a program that has no runtime at all
};

inline void PrintTo(execution e, std::ostream* out) {
  constexpr const char* names[] = {"fiber_on_epoll", "fibers_on_two_workers", "fiber_on_io_uring",
                                   "os_thread", "foreign_thread"};
  *out << names[static_cast<std::size_t>(e)];
}

inline std::string name_of(const testing::TestParamInfo<execution>& info) {
  return testing::PrintToString(info.param);
}

inline const auto all_executions =
    testing::Values(execution::fiber_on_epoll, execution::fibers_on_two_workers,
                    execution::fiber_on_io_uring, execution::os_thread, execution::foreign_thread);

inline std::unique_ptr<sched::scheduler> make_io_scheduler(reactor_kind kind, unsigned workers) {
  auto made = sched::scheduler::create(
      {.workers = workers,
       .make_policy = [](unsigned) { return std::make_unique<sched::fifo_policy>(); },
       .make_poller = [kind](sched::worker& w) -> result<std::unique_ptr<sched::poller>> {
         return make_reactor(kind, w);
       }});
  return std::move(made.value());
}

/// Runs `f` as a fiber of worker 0, on this thread.
inline void run_fiber(sched::scheduler& in, std::function<void()> f) {
  auto body = [&] {
    f();
    in.stop_first();
  };
  sched::spawned* const first =
      in.spawn(kind::cooperative, {.name = "first", .where = placement::same_worker},
               detail::erase(body), nullptr)
          .value();
  ASSERT_TRUE(in.start_threads(1).has_value());
  in.run_here();
  in.stop();
  first->release();
}

/// Something of the same kind that runs beside; joined at its end.
class companion {
 public:
  companion(execution how, std::function<void()> f) {
    if (how == execution::foreign_thread)
      thread_ = std::thread(std::move(f));
    else
      fiber_ =
          spawn(how == execution::os_thread ? cede::os_thread : cooperative, std::move(f)).value();
  }
  companion(companion&&) = default;
  ~companion() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
    if (fiber_.joinable()) {
      EXPECT_TRUE(fiber_.join());
    }
    fiber_ = {};
  }
  /// Requires: not a foreign thread, which nobody can cancel.
  void cancel() { fiber_.cancel(); }

 private:
  fiber fiber_;
  std::thread thread_;
};

/// Where a companion says who it is, so that a test can wait until it is blocked.
class blocked_observer {
 public:
  void publish() { who_.store(&sched::current()); }
  /// Returns once it is parked, or inside a system call that blocks.
  void await_blocked() const {
    constexpr std::uint32_t gone = sched::state_bit::parked | sched::state_bit::in_syscall;
    for (;;) {
      sched::runnable* const who = who_.load();
      if (who != nullptr && (who->state.load() & gone) != 0) return;
      sched::yield();
    }
  }

 private:
  std::atomic<sched::runnable*> who_{nullptr};
};

inline void run_as(execution how, std::function<void()> f) {
  context::install_interrupt_handler();
  if (how == execution::foreign_thread) return f();
  const bool ring = how == execution::fiber_on_io_uring;
  const unsigned workers = how == execution::fibers_on_two_workers ? 2 : 1;
  const auto in = make_io_scheduler(ring ? reactor_kind::io_uring : reactor_kind::epoll, workers);
  run_fiber(*in, [&] {
    if (how != execution::os_thread) return f();
    EXPECT_TRUE(spawn(os_thread, f).value().join());
  });
}

/// Whether this machine can run it: io_uring may be forbidden.
inline bool is_available(execution how) {
  if (how != execution::fiber_on_io_uring) return true;
  const auto made = make_io_scheduler(reactor_kind::epoll, 1);
  return make_reactor(reactor_kind::io_uring, *made->workers().front()).has_value();
}

/// A test for each kind of execution.
class each_execution : public testing::TestWithParam<execution> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "this system offers no io_uring";
  }
  void run(std::function<void()> f) { run_as(GetParam(), std::move(f)); }
  companion beside(std::function<void()> f) { return {GetParam(), std::move(f)}; }
  bool can_be_cancelled() const { return GetParam() != execution::foreign_thread; }
};

}  // namespace cede::io
