// What the latch promises beyond contract_test.cpp.
#include <gtest/gtest.h>

#include <cede/latch.hpp>
#include <chrono>
#include <memory>

#include "sync/test_actors.hpp"

namespace cede::sync {
namespace {

using namespace std::chrono_literals;
using testing::actor;
using testing::actors_test;
using testing::error_of;
using testing::runs_as;

class latch_test : public actors_test {};
using latch_death_test = latch_test;

TEST_F(latch_test, opens_at_zero_and_not_before) {
  latch open(3);
  open.count_down(0);
  open.count_down(2);
  EXPECT_FALSE(open.try_wait());
  EXPECT_EQ(error_of(open.wait(0s)), errc::deadline_exceeded);
  open.count_down();
  EXPECT_TRUE(open.try_wait());
  EXPECT_TRUE(open.wait());
  EXPECT_TRUE(latch(0).wait());
}

TEST_F(latch_test, all_kinds_meet_at_it) {
  constexpr int each = 20;
  int arrived[3 * each] = {};
  latch all(3 * each);
  for (int i = 0; i < 3 * each; ++i)
    start(testing::every_kind[i % 3], [&, i] {
      arrived[i] = 1;
      EXPECT_TRUE(all.arrive_and_wait());
      for (const int a : arrived) EXPECT_EQ(a, 1);
    });
  join_all();
}

TEST_F(latch_test, an_arrival_counts_even_if_its_wait_gave_up) {
  latch both(2);
  EXPECT_EQ(error_of(both.arrive_and_wait(0s)), errc::deadline_exceeded);
  both.count_down();
  EXPECT_TRUE(both.try_wait());
}

TEST_F(latch_test, a_waiter_that_was_let_through_may_destroy_it) {
  constexpr int rounds = 200;
  for (const runs_as waits : testing::every_kind) {
    std::atomic<latch*> shared[2] = {};
    start(waits, [&] {
      for (int i = 0; i < rounds; ++i) {
        const auto open = std::make_unique<latch>(2);
        shared[0] = shared[1] = open.get();
        EXPECT_TRUE(open->wait());
      }
    });
    for (auto& mine : shared)
      start(&mine == shared ? runs_as::foreign_thread : waits, [&] {
        for (int i = 0; i < rounds; ++i) {
          latch* open = nullptr;
          testing::yield_until([&] { return (open = mine.exchange(nullptr)) != nullptr; });
          open->count_down();
        }
      });
    join_all();
  }
}

TEST_F(latch_death_test, counting_below_zero_is_a_broken_contract) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(latch(-1), "initial count is negative");
  EXPECT_DEATH(latch(1).count_down(2), "below zero");
  EXPECT_DEATH(latch(1).count_down(-1), "negative number");
}

}  // namespace
}  // namespace cede::sync
