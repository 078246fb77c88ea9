// What event and latch promise beyond contract_test.cpp.
#include <gtest/gtest.h>

#include <cede/event.hpp>
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

class event_test : public actors_test {};

TEST_F(event_test, stays_set_until_it_is_reset) {
  event happened;
  EXPECT_FALSE(happened.is_set());
  happened.set();
  happened.set();
  EXPECT_TRUE(happened.is_set());
  EXPECT_TRUE(happened.wait());
  EXPECT_TRUE(happened.wait());
  happened.reset();
  EXPECT_FALSE(happened.is_set());
  EXPECT_EQ(error_of(happened.wait(0s)), errc::deadline_exceeded);
}

TEST_F(event_test, a_reset_right_after_the_set_does_not_take_the_wake_back) {
  event happened;
  for (const runs_as how : testing::every_kind)
    start(how, [&] { EXPECT_TRUE(happened.wait()); }).await_parked();
  happened.set();
  happened.reset();
  join_all();
  EXPECT_FALSE(happened.is_set());
}

TEST_F(event_test, a_waiter_that_was_let_through_may_destroy_it) {
  constexpr int rounds = 300;
  for (const runs_as waits : testing::every_kind) {
    std::atomic<event*> shared = nullptr;
    start(waits, [&] {
      for (int i = 0; i < rounds; ++i) {
        const auto happened = std::make_unique<event>();
        shared = happened.get();
        if (i % 2 == 0) sched::yield();
        EXPECT_TRUE(happened->wait());
      }
    });
    start(runs_as::foreign_thread, [&] {
      for (int i = 0; i < rounds; ++i) {
        event* happened = nullptr;
        testing::yield_until([&] { return (happened = shared.exchange(nullptr)) != nullptr; });
        happened->set();
      }
    });
    join_all();
  }
}

}  // namespace
}  // namespace cede::sync
