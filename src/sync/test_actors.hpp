// For tests: the same function run as a fiber, as an OS thread of cede, and as a thread that cede
// has never heard of.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "sched/parking.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sync::testing {

enum class runs_as { fiber, os_thread, foreign_thread };

inline constexpr runs_as every_kind[] = {runs_as::fiber, runs_as::os_thread,
                                         runs_as::foreign_thread};

inline const char* to_string(runs_as how) {
  switch (how) {
    case runs_as::fiber:
      return "fiber";
    case runs_as::os_thread:
      return "os_thread";
    case runs_as::foreign_thread:
      return "foreign_thread";
  }
  return "?";
}

/// None if it is no error, where `error()` itself may not be asked.
inline std::error_code error_of(const result<>& r) { return r ? std::error_code() : r.error(); }

/// Waits without any of the objects under test.
template <class Condition>
void yield_until(Condition holds) {
  while (!holds()) sched::yield();
}

/// Something that runs. The test thread that started it joins it.
class actor {
 public:
  actor(sched::scheduler& home, runs_as how, std::function<void()> body) : body_(std::move(body)) {
    auto run = [this] {
      self_.store(&sched::current());
      body_();
    };
    if (how == runs_as::foreign_thread) {
      thread_ = std::thread(run);
      return;
    }
    const kind what = how == runs_as::fiber ? kind::cooperative : kind::os_thread;
    child_.reset(home.spawn(what, {}, cede::detail::erase(run), nullptr).value());
  }
  actor(const actor&) = delete;
  ~actor() { join(); }

  void join() {
    if (thread_.joinable()) thread_.join();
    if (!child_) return;
    EXPECT_TRUE(child_->join(never));
    EXPECT_FALSE(child_->result_of_body.failed());
    child_.reset();
  }

  bool joined() const { return !child_ && !thread_.joinable(); }

  sched::runnable& self() {
    yield_until([this] { return self_.load() != nullptr; });
    return *self_.load();
  }

  /// Returns once it has given up its CPU to wait for something.
  void await_parked() {
    sched::runnable& r = self();
    yield_until([&] { return (r.state.load() & sched::state_bit::parked) != 0; });
  }

  /// Requires: it does not end before this returns.
  void cancel() { sched::cancel(self()); }

 private:
  std::function<void()> body_;
  std::atomic<sched::runnable*> self_{nullptr};
  cede::detail::reference child_;
  std::thread thread_;
};

/// Two workers, and what runs on them. A test joins all that it has started before it returns, as
/// its local variables go then.
class actors_test : public ::testing::Test {
 protected:
  actors_test()
      : home_(sched::make_test_scheduler(
            2, [](unsigned) { return std::make_unique<sched::fifo_policy>(); })) {
    EXPECT_TRUE(home_->start_threads(0));
  }
  ~actors_test() override {
    cast_.clear();
    home_->stop();
  }
  void TearDown() override {
    for (const auto& a : cast_) EXPECT_TRUE(a->joined()) << "the test returned too early";
  }

  actor& start(runs_as how, std::function<void()> body) {
    cast_.push_back(std::make_unique<actor>(*home_, how, std::move(body)));
    return *cast_.back();
  }

  /// Runs it alone, to its end.
  void play(runs_as how, std::function<void()> body) { actor(*home_, how, std::move(body)).join(); }

  /// Waits for all that `start` has started.
  void join_all() { cast_.clear(); }

 private:
  std::unique_ptr<sched::scheduler> home_;
  std::vector<std::unique_ptr<actor>> cast_;
};

}  // namespace cede::sync::testing
