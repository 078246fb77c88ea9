#include <gtest/gtest.h>

#include <cede/clock.hpp>
#include <thread>

#include "base/virtual_clock.hpp"

namespace {

using cede::clock;
using cede::base::virtual_clock;
using namespace std::chrono_literals;

constexpr clock::time_point at(clock::duration since) { return clock::time_point(since); }

TEST(clock, does_not_go_back) {
  const auto first = clock::now();
  EXPECT_GE(clock::now(), first);
}

TEST(clock, agrees_with_the_steady_clock) {
  const auto before = std::chrono::steady_clock::now().time_since_epoch();
  const auto between = clock::now().time_since_epoch();
  const auto after = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_LE(before, between);
  EXPECT_LE(between, after);
}

TEST(virtual_clock, stands_still_until_advanced) {
  virtual_clock time(at(10s));
  const virtual_clock::installation installed(time);
  EXPECT_EQ(clock::now(), at(10s));
  EXPECT_EQ(clock::now(), at(10s));
  time.advance_to(at(12s));
  EXPECT_EQ(clock::now(), at(12s));
}

TEST(virtual_clock, holds_for_the_installing_thread_only) {
  virtual_clock time;
  const virtual_clock::installation installed(time);
  clock::time_point elsewhere;
  std::thread([&] { elsewhere = clock::now(); }).join();
  EXPECT_EQ(clock::now(), at(0s));
  EXPECT_GT(elsewhere, at(0s));
}

TEST(virtual_clock, installations_nest) {
  virtual_clock outer(at(1s));
  virtual_clock inner(at(2s));
  const virtual_clock::installation outer_installed(outer);
  {
    const virtual_clock::installation inner_installed(inner);
    EXPECT_EQ(clock::now(), at(2s));
  }
  EXPECT_EQ(clock::now(), at(1s));
}

TEST(virtual_clock, another_thread_may_advance_it) {
  virtual_clock time;
  const virtual_clock::installation installed(time);
  std::thread([&] { time.advance_to(at(5s)); }).join();
  EXPECT_EQ(clock::now(), at(5s));
}

TEST(virtual_clock_death_test, going_back_is_a_broken_contract) {
  virtual_clock time(at(10s));
  EXPECT_DEATH(time.advance_to(at(9s)), "virtual_clock: time cannot go back");
}

}  // namespace
