// For this layer's tests of preemption: a stack whose owner can be preempted, by another thread
// that kicks it again and again or by the trap flag, and a record of what came of it.
//
// Actors: the test's thread, which runs the body on the stack; its handlers; the kicker.
// State: `current`, the one experiment, set while no handler can run; counts are atomic.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "base/alternate_stack.hpp"
#include "base/futex.hpp"
#include "base/signals.hpp"
#include "context/fiber_context.hpp"
#include "context/preempt.hpp"

namespace cede::context::testing {

inline sigset_t present_mask() noexcept {
  sigset_t mask{};  // the call fills in as many bytes as the kernel has
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

// A body that runs on a stack of its own and can be preempted there.
class preemptible_fiber {
 public:
  static constexpr std::size_t stack_bytes = std::size_t{256} * 1024;

  explicit preemptible_fiber(std::function<void(preemptible_fiber&)> body)
      : body_(std::move(body)), memory_(std::make_unique_for_overwrite<std::byte[]>(stack_bytes)) {
    const stack_slot slot{.bottom = memory_.get(), .top = memory_.get() + stack_bytes};
    stack = {.bottom = slot.bottom, .top = slot.top};
    context_.start_on(slot, &enter, this);
    current = this;
    base::signals::set_kick_handler(&on_kick);
  }
  ~preemptible_fiber() {
    EXPECT_TRUE(over_) << "a test left its fiber parked";
    base::signals::set_kick_handler(nullptr);
    current = nullptr;
    context_.destroy();
  }
  preemptible_fiber(const preemptible_fiber&) = delete;
  preemptible_fiber& operator=(const preemptible_fiber&) = delete;

  // Runs the body on the calling thread until it parks or ends.
  void resume() {
    const base::signals::alternate_stack handler_stack;
    fiber_context here;
    outside_ = &here;
    switch_to(here, context_);
  }
  // Called on the fiber's stack: back to whoever resumed it.
  void park() { switch_to(context_, *outside_); }

  bool over() const noexcept { return over_; }
  std::uint64_t count(diversion what) const noexcept {
    return counts_[static_cast<std::size_t>(what)].load();
  }
  std::uint32_t kicks() const noexcept { return kicks_.load(); }
  // Returns soon after there were more than `seen`, or for no reason. On another thread.
  void wait_for_kick(std::uint32_t seen) const noexcept { base::futex_wait(kicks_, seen); }
  void stop_waiting() noexcept {
    ++kicks_;
    base::futex_wake(kicks_, 1);
  }

  // In a handler.
  diversion preempt(ucontext_t& interrupted) noexcept {
    if (before_divert != nullptr) before_divert(interrupted);
    const diversion outcome = divert(interrupted, stack, mask, &at_preemption, this);
    ++counts_[static_cast<std::size_t>(outcome)];
    if (outcome == diversion::done) preempting_ = true;
    if (after_any != nullptr) after_any(interrupted);
    if (after_divert != nullptr && outcome == diversion::done) after_divert(interrupted);
    return outcome;
  }

  // What the experiment changes.
  preemptible_stack stack;
  sigset_t mask = present_mask();
  std::function<void(preemptible_fiber&)> when_preempted;  // on the fiber's stack
  bool may_nest = false;  // whether what runs when preempted may be preempted too
  // In the handler.
  void (*before_divert)(ucontext_t& interrupted) = nullptr;
  void (*after_any)(ucontext_t& interrupted) = nullptr;
  void (*after_divert)(ucontext_t& interrupted) = nullptr;  // if it was done

  static inline preemptible_fiber* current = nullptr;

 private:
  static void on_kick(void* context) noexcept {
    if (!current->preempting_ || current->may_nest)
      current->preempt(*static_cast<ucontext_t*>(context));
    ++current->kicks_;
    base::futex_wake(current->kicks_, 1);
  }
  static void at_preemption(void* argument) {
    auto& self = *static_cast<preemptible_fiber*>(argument);
    if (self.when_preempted) self.when_preempted(self);
    self.preempting_ = false;
  }
  static void enter(void* argument) {
    auto& self = *static_cast<preemptible_fiber*>(argument);
    arrived(self.context_);
    self.body_(self);
    self.over_ = true;
    switch_final(self.context_, *self.outside_);
  }

  std::function<void(preemptible_fiber&)> body_;
  std::unique_ptr<std::byte[]> memory_;
  fiber_context context_;
  fiber_context* outside_ = nullptr;
  bool over_ = false;
  volatile bool preempting_ = false;  // of the fiber and its handlers
  std::array<std::atomic<std::uint64_t>, 8> counts_{};
  std::atomic<std::uint32_t> kicks_ = 0;  // a futex word
};

// Kicks the thread that made it every few microseconds while it lives. A timer of the kernel's, so
// that kicks come while the thread runs, however busy the machine is; one is pending at most.
class kicker {
 public:
  kicker() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = base::signals::kick_signal();
    event._sigev_un._tid = gettid();  // this C library's headers lack sigev_notify_thread_id
    EXPECT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer_), 0);
    constexpr timespec interval{.tv_sec = 0, .tv_nsec = 37'000};
    const itimerspec often{.it_interval = interval, .it_value = interval};
    EXPECT_EQ(timer_settime(timer_, 0, &often, nullptr), 0);
  }
  ~kicker() { timer_delete(timer_); }
  kicker(const kicker&) = delete;
  kicker& operator=(const kicker&) = delete;

 private:
  timer_t timer_{};
};

// The same from another thread, one kick at a time, as fast as both get processors.
class kicking_thread {
 public:
  explicit kicking_thread(preemptible_fiber& victim, pid_t target = gettid())
      : victim_(victim), thread_([this, target] { run(target); }) {}
  ~kicking_thread() {
    stop_ = true;
    victim_.stop_waiting();
    thread_.join();
  }
  kicking_thread(const kicking_thread&) = delete;
  kicking_thread& operator=(const kicking_thread&) = delete;

 private:
  void run(pid_t target) {
    while (!stop_) {
      const std::uint32_t before = victim_.kicks();
      ASSERT_TRUE(base::signals::kick(target));
      while (victim_.kicks() == before && !stop_) victim_.wait_for_kick(before);
    }
  }

  preemptible_fiber& victim_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class preemption_test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* const obstacle = obstacle_to_preemption()) GTEST_SKIP() << obstacle;
  }
};

}  // namespace cede::context::testing
