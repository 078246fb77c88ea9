// What the mutex promises beyond the contract of all that can be waited for (contract_test.cpp).
#include <gtest/gtest.h>

#include <cede/mutex.hpp>
#include <cede/this_fiber.hpp>
#include <chrono>
#include <mutex>
#include <vector>

#include "sync/test_actors.hpp"

namespace cede::sync {
namespace {

using namespace std::chrono_literals;
using testing::actor;
using testing::actors_test;
using testing::runs_as;

constinit mutex made_before_the_program_starts;

class mutex_test : public actors_test {};
using mutex_death_test = mutex_test;

TEST_F(mutex_test, is_usable_before_any_constructor_has_run) {
  const std::lock_guard hold(made_before_the_program_starts);
}

TEST_F(mutex_test, two_are_locked_together_without_deadlock) {
  mutex a;
  mutex b;
  int both = 0;
  constexpr int rounds = 200;
  for (const runs_as how : testing::every_kind)
    start(how, [&, swapped = how == runs_as::fiber] {
      for (int i = 0; i < rounds; ++i) {
        const std::scoped_lock hold(swapped ? b : a, swapped ? a : b);
        ++both;
      }
    });
  join_all();
  EXPECT_EQ(both, 3 * rounds);
}

TEST_F(mutex_test, waiters_get_it_first_come_first_served) {
  mutex guard;
  std::vector<int> order;
  guard.lock();
  for (int i = 0; i < 9; ++i)
    start(testing::every_kind[i % 3], [&, i] {
      const std::lock_guard hold(guard);
      order.push_back(i);
    }).await_parked();
  guard.unlock();
  join_all();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

// One worker, so that the greedy one has locked again each time before the waiter it woke runs.
TEST_F(mutex_test, a_waiter_that_is_overtaken_again_and_again_gets_it_in_the_end) {
  int overtaken = 0;
  sched::run_fifo([&] {
    mutex guard;
    bool got = false;
    guard.lock();
    auto waiter = spawn({.where = placement::same_worker}, [&] {
                    const std::lock_guard hold(guard);
                    got = true;
                  }).value();
    this_fiber::yield();
    while (!got) {
      guard.unlock();
      guard.lock();
      ++overtaken;
      ASSERT_LT(overtaken, 100);
      this_fiber::yield();
    }
    guard.unlock();
    EXPECT_TRUE(waiter.join());
  });
  EXPECT_GT(overtaken, 1) << "barging is what keeps a lock from waiting for awakenings";
}

TEST_F(mutex_test, excludes_each_kind_from_the_others) {
  mutex guard;
  long count = 0;
  constexpr int rounds = 2000;
  for (int i = 0; i < 6; ++i)
    start(testing::every_kind[i % 3], [&] {
      for (int n = 0; n < rounds; ++n) {
        const std::lock_guard hold(guard);
        ++count;
        if (n % 64 == 0) sched::yield();  // held across a switch, so that others do wait
      }
    });
  join_all();
  EXPECT_EQ(count, 6L * rounds);
}

TEST_F(mutex_test, timed_waiters_that_give_up_lose_no_wake_of_the_others) {
  mutex guard;
  long count = 0;
  constexpr int rounds = 500;
  for (int i = 0; i < 6; ++i)
    start(testing::every_kind[i % 3], [&, impatient = i < 3] {
      for (int n = 0; n < rounds; ++n) {
        if (impatient)
          while (!guard.try_lock_for(std::chrono::microseconds(n % 7))) sched::yield();
        else
          guard.lock();
        ++count;
        if (n % 16 == 0) sched::yield();
        guard.unlock();
      }
    });
  join_all();
  EXPECT_EQ(count, 6L * rounds);
  EXPECT_TRUE(guard.try_lock());
  guard.unlock();
}

TEST_F(mutex_test, the_last_holder_may_destroy_it) {
  struct shared {
    mutex guard;
    int references = 3;
    void release() {
      bool last = false;
      {
        const std::lock_guard hold(guard);
        last = --references == 0;
      }
      if (last) delete this;
    }
  };
  constexpr int rounds = 500;
  std::vector<shared*> objects;
  for (int i = 0; i < rounds; ++i) objects.push_back(new shared);
  for (const runs_as how : testing::every_kind)
    start(how, [&] {
      for (shared* object : objects) object->release();
    });
  join_all();
}

TEST_F(mutex_death_test, who_locks_it_twice_is_told) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        mutex guard;
        guard.lock();
        guard.lock();
      },
      "cede: locks a mutex that it holds already");
}

#ifndef NDEBUG
TEST_F(mutex_death_test, who_unlocks_anothers_is_told) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        mutex guard;
        std::atomic<bool> held = false;
        std::thread holder([&] {
          guard.lock();
          held = true;
          for (;;) sched::yield();
        });
        testing::yield_until([&] { return held.load(); });
        guard.unlock();
      },
      "cede: unlocks a mutex that it does not hold");
}
#endif

}  // namespace
}  // namespace cede::sync
