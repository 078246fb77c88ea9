// The contract of everything that can be waited for, with each kind of waiter and each kind of
// waker: the same object serves a fiber, an OS thread, and a thread from outside.
#include <gtest/gtest.h>

#include <cede/condition_variable.hpp>
#include <cede/event.hpp>
#include <cede/latch.hpp>
#include <cede/mutex.hpp>
#include <cede/semaphore.hpp>
#include <chrono>
#include <mutex>
#include <string>
#include <tuple>

#include "sync/test_actors.hpp"

namespace cede::sync {
namespace {

using namespace std::chrono_literals;
using testing::actor;
using testing::actors_test;
using testing::error_of;
using testing::runs_as;

// One kind of object, as something that a waiter waits for and a waker makes happen once.
struct waitable {
  virtual ~waitable() = default;
  virtual result<> wait(deadline until) = 0;
  virtual void wake() = 0;
};

struct semaphore_waitable final : waitable {
  semaphore units{0};
  result<> wait(deadline until) override { return units.acquire(until); }
  void wake() override { units.release(); }
};

struct event_waitable final : waitable {
  event happened;
  result<> wait(deadline until) override { return happened.wait(until); }
  void wake() override { happened.set(); }
};

struct latch_waitable final : waitable {
  latch open{1};
  result<> wait(deadline until) override { return open.wait(until); }
  void wake() override { open.count_down(); }
};

struct condition_variable_waitable final : waitable {
  mutex guard;
  condition_variable changed;
  bool ready = false;
  result<> wait(deadline until) override {
    std::unique_lock hold(guard);
    auto woken = changed.wait_until(hold, until, [&] { return ready; });
    EXPECT_TRUE(hold.owns_lock());
    if (woken) ready = false;
    return woken;
  }
  void wake() override {
    {
      const std::lock_guard hold(guard);
      ready = true;
    }
    changed.notify_one();
  }
};

std::unique_ptr<waitable> make(const std::string& name) {
  if (name == "semaphore") return std::make_unique<semaphore_waitable>();
  if (name == "event") return std::make_unique<event_waitable>();
  if (name == "latch") return std::make_unique<latch_waitable>();
  return std::make_unique<condition_variable_waitable>();
}

using setting = std::tuple<const char*, runs_as, runs_as>;

class contract : public actors_test, public ::testing::WithParamInterface<setting> {
 protected:
  contract() : object_(make(std::get<0>(GetParam()))) {}
  actor& start_waiter(std::function<void()> body) {
    return start(std::get<1>(GetParam()), std::move(body));
  }
  void play_waker(std::function<void()> body) { play(std::get<2>(GetParam()), std::move(body)); }
  const std::unique_ptr<waitable> object_;
};

TEST_P(contract, a_waiter_waits_until_it_is_woken) {
  std::atomic<bool> woken = false;
  actor& waiter = start_waiter([&] {
    EXPECT_TRUE(object_->wait(never));
    woken = true;
  });
  waiter.await_parked();
  EXPECT_FALSE(woken);
  play_waker([&] { object_->wake(); });
  waiter.join();
  EXPECT_TRUE(woken);
}

TEST_P(contract, a_wake_that_comes_first_is_not_lost) {
  play_waker([&] { object_->wake(); });
  start_waiter([&] { EXPECT_TRUE(object_->wait(never)); }).join();
}

TEST_P(contract, what_the_waker_did_before_is_visible_to_the_waiter) {
  int message = 0;
  actor& waiter = start_waiter([&] {
    EXPECT_TRUE(object_->wait(never));
    EXPECT_EQ(message, 42);
  });
  play_waker([&] {
    message = 42;
    object_->wake();
  });
  waiter.join();
}

TEST_P(contract, a_wait_gives_up_at_its_deadline_and_leaves_the_wake_to_others) {
  start_waiter([&] {
    EXPECT_EQ(error_of(object_->wait(1ms)), errc::deadline_exceeded);
    EXPECT_EQ(error_of(object_->wait(0s)), errc::deadline_exceeded);
  }).join();
  play_waker([&] { object_->wake(); });
  start_waiter([&] { EXPECT_TRUE(object_->wait(never)); }).join();
}

TEST_P(contract, what_is_there_already_is_taken_although_the_deadline_is_over) {
  play_waker([&] { object_->wake(); });
  start_waiter([&] { EXPECT_TRUE(object_->wait(-1s)); }).join();
}

TEST_P(contract, a_cancel_ends_the_wait_and_leaves_the_wake_to_others) {
  std::atomic<bool> may_end = false;
  actor& waiter = start_waiter([&] {
    EXPECT_EQ(error_of(object_->wait(never)), errc::cancelled);
    EXPECT_EQ(error_of(object_->wait(never)), errc::cancelled);
    testing::yield_until([&] { return may_end.load(); });
  });
  waiter.await_parked();
  play_waker([&] { waiter.cancel(); });
  may_end = true;
  waiter.join();
  play_waker([&] { object_->wake(); });
  start_waiter([&] { EXPECT_TRUE(object_->wait(never)); }).join();
}

TEST_P(contract, the_deadline_of_an_enclosing_scope_ends_the_wait) {
  start_waiter([&] {
    sched::current().ambient_deadline = clock::now() + 1ms;
    EXPECT_EQ(error_of(object_->wait(never)), errc::deadline_exceeded);
    EXPECT_EQ(error_of(object_->wait(1h)), errc::deadline_exceeded);
  }).join();
}

TEST_P(contract, one_wake_wakes_waiters_one_by_one_or_all_of_them) {
  constexpr int waiters = 4;
  std::atomic<int> woken = 0;
  for (int i = 0; i < waiters; ++i)
    start_waiter([&] {
      EXPECT_TRUE(object_->wait(never));
      ++woken;
    }).await_parked();
  const std::string name = std::get<0>(GetParam());
  if (name == "event" || name == "latch") {
    play_waker([&] { object_->wake(); });
  } else {
    for (int i = 0; i < waiters; ++i) {
      play_waker([&] { object_->wake(); });
      testing::yield_until([&] { return woken == i + 1; });
    }
  }
  join_all();
  EXPECT_EQ(woken, waiters);
}

std::string name_of(const ::testing::TestParamInfo<setting>& info) {
  const auto [object, waiter, waker] = info.param;
  return std::string(object) + "_of_" + to_string(waiter) + "_by_" + to_string(waker);
}

INSTANTIATE_TEST_SUITE_P(every_kind, contract,
                         ::testing::Combine(::testing::Values("semaphore", "event", "latch",
                                                              "condition_variable"),
                                            ::testing::ValuesIn(testing::every_kind),
                                            ::testing::ValuesIn(testing::every_kind)),
                         name_of);

// The mutex, whose waker is whoever holds it.
class mutex_contract : public actors_test,
                       public ::testing::WithParamInterface<std::tuple<runs_as, runs_as>> {
 protected:
  actor& start_holder() {
    actor& holder = start(std::get<1>(GetParam()), [this] {
      const std::lock_guard hold(guard_);
      held_ = true;
      testing::yield_until([this] { return may_unlock_.load(); });
      ++under_the_lock_;
    });
    testing::yield_until([this] { return held_.load(); });
    return holder;
  }
  actor& start_waiter(std::function<void()> body) {
    return start(std::get<0>(GetParam()), std::move(body));
  }

  mutex guard_;
  int under_the_lock_ = 0;
  std::atomic<bool> held_ = false;
  std::atomic<bool> may_unlock_ = false;
};

TEST_P(mutex_contract, a_waiter_gets_it_when_the_holder_unlocks) {
  start_holder();
  actor& waiter = start_waiter([this] {
    const std::lock_guard hold(guard_);
    EXPECT_EQ(under_the_lock_, 1);
  });
  waiter.await_parked();
  may_unlock_ = true;
  join_all();
}

TEST_P(mutex_contract, try_lock_fails_while_it_is_held_and_succeeds_afterwards) {
  actor& holder = start_holder();
  start_waiter([this] {
    EXPECT_FALSE(guard_.try_lock());
    EXPECT_FALSE(guard_.try_lock_for(0s));
    EXPECT_FALSE(guard_.try_lock_for(1ms));
    EXPECT_FALSE(guard_.try_lock_until(std::chrono::steady_clock::now() + 1ms));
  }).join();
  may_unlock_ = true;
  holder.join();
  start_waiter([this] {
    ASSERT_TRUE(guard_.try_lock());
    guard_.unlock();
    ASSERT_TRUE(guard_.try_lock_for(-1s));
    guard_.unlock();
  }).join();
}

TEST_P(mutex_contract, a_timed_waiter_gets_it_before_its_deadline) {
  start_holder();
  actor& waiter = start_waiter([this] {
    std::unique_lock hold(guard_, std::defer_lock);
    EXPECT_TRUE(hold.try_lock_for(1h));
  });
  waiter.await_parked();
  may_unlock_ = true;
  join_all();
}

TEST_P(mutex_contract, neither_a_cancel_nor_the_deadline_of_a_scope_ends_a_lock) {
  start_holder();
  std::atomic<bool> got = false;
  actor& waiter = start_waiter([&] {
    sched::current().ambient_deadline = clock::now();
    const std::lock_guard hold(guard_);
    got = true;
  });
  waiter.await_parked();
  waiter.cancel();
  EXPECT_FALSE(got);
  may_unlock_ = true;
  join_all();
  EXPECT_TRUE(got);
}

TEST_P(mutex_contract, a_waiter_that_gave_up_does_not_keep_the_next_from_being_woken) {
  start_holder();
  start_waiter([this] { EXPECT_FALSE(guard_.try_lock_for(1ms)); }).join();
  actor& patient = start_waiter([this] { const std::lock_guard hold(guard_); });
  patient.await_parked();
  may_unlock_ = true;
  join_all();
}

std::string pair_name(const ::testing::TestParamInfo<std::tuple<runs_as, runs_as>>& info) {
  return std::string(to_string(std::get<0>(info.param))) + "_after_" +
         to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(every_kind, mutex_contract,
                         ::testing::Combine(::testing::ValuesIn(testing::every_kind),
                                            ::testing::ValuesIn(testing::every_kind)),
                         pair_name);

}  // namespace
}  // namespace cede::sync
