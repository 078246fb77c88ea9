#include "base/futex.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

namespace {

using cede::base::futex_result;
using namespace std::chrono_literals;

TEST(futex, a_changed_word_does_not_block) {
  const std::atomic<std::uint32_t> word = 1;
  EXPECT_EQ(cede::base::futex_wait(word, 0), futex_result::changed);
}

TEST(futex, an_instant_in_the_past_times_out_at_once) {
  const std::atomic<std::uint32_t> word = 0;
  EXPECT_EQ(cede::base::futex_wait(word, 0, cede::clock::time_point(-1s)), futex_result::timed_out);
  EXPECT_EQ(cede::base::futex_wait(word, 0, cede::clock::now()), futex_result::timed_out);
}

TEST(futex, waits_until_an_instant_to_come) {
  const std::atomic<std::uint32_t> word = 0;
  const auto until = cede::clock::now() + 2ms;
  while (cede::base::futex_wait(word, 0, until) == futex_result::woken) {
  }
  EXPECT_GE(cede::clock::now(), until);
}

TEST(futex, a_waiter_is_woken_by_a_change) {
  std::atomic<std::uint32_t> word = 0;
  std::thread waker([&] {
    word.store(1);
    cede::base::futex_wake(word, 1);
  });
  while (word.load() == 0) static_cast<void>(cede::base::futex_wait(word, 0));
  waker.join();
  EXPECT_EQ(word.load(), 1U);
}

TEST(futex, keeps_errno) {
  const std::atomic<std::uint32_t> word = 1;
  errno = 42;
  static_cast<void>(cede::base::futex_wait(word, 0));
  EXPECT_EQ(cede::base::futex_wake(word, 1), 0);
  EXPECT_EQ(errno, 42);
}

}  // namespace
