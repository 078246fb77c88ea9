// What the semaphore promises beyond contract_test.cpp: no unit is lost, none is made, and they go
// first come, first served.
#include <gtest/gtest.h>

#include <cede/semaphore.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "sync/test_actors.hpp"

namespace cede::sync {
namespace {

using namespace std::chrono_literals;
using testing::actor;
using testing::actors_test;
using testing::error_of;
using testing::runs_as;

class semaphore_test : public actors_test {};
using semaphore_death_test = semaphore_test;

TEST_F(semaphore_test, gives_as_many_as_it_has) {
  semaphore units(2);
  EXPECT_EQ(units.available(), 2);
  EXPECT_TRUE(units.try_acquire());
  EXPECT_TRUE(units.acquire());
  EXPECT_FALSE(units.try_acquire());
  EXPECT_EQ(error_of(units.acquire(0s)), errc::deadline_exceeded);
  units.release(0);
  EXPECT_FALSE(units.try_acquire());
  units.release(3);
  EXPECT_EQ(units.available(), 3);
}

TEST_F(semaphore_test, waiters_get_units_first_come_first_served) {
  semaphore units(0);
  std::vector<int> order;
  std::atomic<std::size_t> served = 0;
  for (int i = 0; i < 6; ++i)
    start(testing::every_kind[i % 3], [&, i] {
      EXPECT_TRUE(units.acquire());
      order.push_back(i);
      ++served;
    }).await_parked();
  for (std::size_t i = 1; i <= 6; ++i) {
    units.release();
    EXPECT_FALSE(units.try_acquire()) << "took the unit of one who came earlier";
    testing::yield_until([&] { return served == i; });
  }
  join_all();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5}));
}

TEST_F(semaphore_test, a_release_of_many_serves_the_waiters_and_keeps_the_rest) {
  semaphore units(0);
  for (int i = 0; i < 3; ++i)
    start(testing::every_kind[i], [&] { EXPECT_TRUE(units.acquire()); }).await_parked();
  units.release(5);
  join_all();
  EXPECT_EQ(units.available(), 2);
}

TEST_F(semaphore_test, a_waiter_that_gave_up_does_not_block_the_way) {
  semaphore units(0);
  std::atomic<bool> gave_up = false;
  std::atomic<bool> may_end = false;
  actor& first = start(runs_as::fiber, [&] {
    EXPECT_EQ(error_of(units.acquire()), errc::cancelled);
    gave_up = true;
    testing::yield_until([&] { return may_end.load(); });
  });
  first.await_parked();
  actor& second = start(runs_as::os_thread, [&] { EXPECT_TRUE(units.acquire()); });
  second.await_parked();
  first.cancel();
  testing::yield_until([&] { return gave_up.load(); });  // until then it would get the unit
  units.release();
  second.join();
  may_end = true;
  join_all();
}

TEST_F(semaphore_test, a_deadline_at_the_same_time_loses_no_unit) {
  semaphore units(0);
  constexpr int total = 600;
  std::atomic<int> taken = 0;
  for (const runs_as how : testing::every_kind) {
    start(how, [&] {
      for (int i = 0; taken < total; ++i)
        if (units.acquire(std::chrono::microseconds(i % 40))) ++taken;
    });
    start(how, [&] {
      for (int i = 0; i < total / 3; ++i) {
        units.release();
        sched::yield();
      }
    });
  }
  join_all();  // hangs if a unit was lost
  EXPECT_EQ(taken, total);
  EXPECT_EQ(units.available(), 0);
}

TEST_F(semaphore_test, a_cancel_at_the_same_time_loses_no_unit) {
  constexpr int rounds = 60;
  int cancelled = 0;
  for (int i = 0; i < rounds; ++i) {
    semaphore units(0);
    std::atomic<int> taken = 0;
    std::atomic<bool> may_end = false;
    actor& waiter = start(testing::every_kind[i % 3], [&] {
      if (units.acquire()) ++taken;
      testing::yield_until([&] { return may_end.load(); });
    });
    if (i % 2 == 0) waiter.await_parked();
    actor& canceller = start(testing::every_kind[i / 3 % 3], [&] { waiter.cancel(); });
    actor& releaser = start(testing::every_kind[i / 9 % 3], [&] { units.release(); });
    canceller.join();
    releaser.join();
    may_end = true;
    waiter.join();
    EXPECT_EQ(taken + units.available(), 1);
    cancelled += taken == 0 ? 1 : 0;
    join_all();
  }
  RecordProperty("cancelled", cancelled);
}

TEST_F(semaphore_test, who_was_let_out_may_destroy_it) {
  constexpr int rounds = 300;
  for (const runs_as waits : testing::every_kind) {
    std::atomic<semaphore*> shared = nullptr;
    start(waits, [&] {
      for (int i = 0; i < rounds; ++i) {
        const auto units = std::make_unique<semaphore>(0);
        shared = units.get();
        EXPECT_TRUE(units->acquire());
      }
    });
    start(runs_as::foreign_thread, [&] {
      for (int i = 0; i < rounds; ++i) {
        semaphore* units = nullptr;
        testing::yield_until([&] { return (units = shared.exchange(nullptr)) != nullptr; });
        units->release();
      }
    });
    join_all();
  }
}

TEST_F(semaphore_death_test, impossible_counts_are_broken_contracts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(semaphore(-1), "initial number of units is out of range");
  EXPECT_DEATH(semaphore(0).release(-1), "negative number of units");
  EXPECT_DEATH(semaphore(semaphore::most).release(), "more units than it can hold");
}

}  // namespace
}  // namespace cede::sync
