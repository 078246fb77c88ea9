// What the condition variable promises beyond contract_test.cpp.
#include <gtest/gtest.h>

#include <cede/condition_variable.hpp>
#include <chrono>
#include <deque>
#include <vector>

#include "sync/test_actors.hpp"

namespace cede::sync {
namespace {

using namespace std::chrono_literals;
using testing::actor;
using testing::actors_test;
using testing::error_of;
using testing::runs_as;

class condition_variable_test : public actors_test {
 protected:
  mutex guard_;
  condition_variable changed_;
};

TEST_F(condition_variable_test, wakes_first_come_first_served) {
  std::vector<int> order;
  for (int i = 0; i < 6; ++i)
    start(testing::every_kind[i % 3], [&, i] {
      std::unique_lock hold(guard_);
      changed_.wait(hold);
      order.push_back(i);
    }).await_parked();
  for (std::size_t i = 1; i <= 6; ++i) {
    changed_.notify_one();
    testing::yield_until([&] {
      const std::lock_guard hold(guard_);
      return order.size() == i;
    });
  }
  join_all();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5}));
}

TEST_F(condition_variable_test, notify_all_wakes_those_that_wait_and_nobody_later) {
  std::atomic<int> woken = 0;
  for (int i = 0; i < 6; ++i)
    start(testing::every_kind[i % 3], [&] {
      std::unique_lock hold(guard_);
      changed_.wait(hold);
      ++woken;
    }).await_parked();
  changed_.notify_all();
  join_all();
  EXPECT_EQ(woken, 6);
  std::unique_lock hold(guard_);
  EXPECT_EQ(error_of(changed_.wait_until(hold, 0s)), errc::deadline_exceeded);
}

TEST_F(condition_variable_test, notifying_nobody_leaves_nothing_behind) {
  changed_.notify_one();
  changed_.notify_all();
  std::unique_lock hold(guard_);
  EXPECT_EQ(error_of(changed_.wait_until(hold, 1ms)), errc::deadline_exceeded);
  EXPECT_TRUE(hold.owns_lock());
}

TEST_F(condition_variable_test, a_condition_that_holds_in_the_end_is_no_error) {
  std::unique_lock hold(guard_);
  int asked = 0;
  EXPECT_TRUE(changed_.wait_until(hold, 0s, [&] { return ++asked == 2; }));
  EXPECT_EQ(error_of(changed_.wait_until(hold, 0s, [] { return false; })), errc::deadline_exceeded);
}

TEST_F(condition_variable_test, a_wait_without_a_deadline_is_not_ended_by_a_cancel) {
  std::atomic<bool> woken = false;
  actor& waiter = start(runs_as::fiber, [&] {
    std::unique_lock hold(guard_);
    changed_.wait(hold);
    woken = true;
  });
  waiter.await_parked();
  waiter.cancel();
  EXPECT_FALSE(woken);
  changed_.notify_one();
  waiter.join();
  EXPECT_TRUE(woken);
}

// A deadline that comes together with a notification must not swallow it: either the first waiter
// counts as woken, or the second one gets it.
TEST_F(condition_variable_test, a_notification_is_given_to_exactly_one) {
  constexpr int rounds = 100;
  for (int i = 0; i < rounds; ++i) {
    std::atomic<int> first = -1;
    std::atomic<bool> second = false;
    std::atomic<bool> go = false;
    actor& impatient = start(testing::every_kind[i % 3], [&] {
      std::unique_lock hold(guard_);
      go = true;
      first = changed_.wait_until(hold, std::chrono::microseconds(20 + i)) ? 1 : 0;
    });
    testing::yield_until([&] { return go.load(); });
    actor& patient = start(testing::every_kind[i / 3 % 3], [&] {
      std::unique_lock hold(guard_);
      changed_.wait(hold);
      second = true;
    });
    patient.await_parked();
    changed_.notify_one();
    impatient.join();
    if (first == 1) {
      EXPECT_FALSE(second);
      changed_.notify_one();
    }
    patient.join();  // hangs if the notification was lost
    join_all();
  }
}

TEST_F(condition_variable_test, carries_a_bounded_queue_between_all_kinds) {
  std::deque<int> items;
  condition_variable room;
  constexpr int each = 500;
  std::atomic<long> sum = 0;
  for (const runs_as how : testing::every_kind) {
    start(how, [&] {
      for (int i = 1; i <= each; ++i) {
        std::unique_lock hold(guard_);
        room.wait(hold, [&] { return items.size() < 3; });
        items.push_back(i);
        changed_.notify_one();
      }
    });
    start(how, [&] {
      for (int i = 0; i < each; ++i) {
        std::unique_lock hold(guard_);
        ASSERT_TRUE(changed_.wait_until(hold, never, [&] { return !items.empty(); }));
        sum += items.front();
        items.pop_front();
        room.notify_one();
      }
    });
  }
  join_all();
  EXPECT_EQ(sum, 3L * each * (each + 1) / 2);
}

TEST_F(condition_variable_test, waiting_without_the_mutex_is_a_broken_contract) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        std::unique_lock hold(guard_, std::defer_lock);
        changed_.wait(hold);
      },
      "waits without holding the mutex");
}

}  // namespace
}  // namespace cede::sync
