#include "base/spinlock.hpp"

#include <gtest/gtest.h>

#include <array>
#include <mutex>
#include <thread>

namespace {

using cede::base::spinlock;

TEST(spinlock, try_lock_fails_while_held) {
  spinlock lock;
  ASSERT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(spinlock, critical_sections_exclude_each_other) {
  constexpr int rounds = 20'000;
  spinlock lock;
  int counter = 0;  // plain, so that a race loses counts and is seen by TSan
  std::array<std::thread, 4> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      for (int i = 0; i < rounds; ++i) {
        const std::lock_guard guard(lock);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 4 * rounds);
}

TEST(spinlock, a_waiter_outlasts_a_holder_without_a_cpu) {
  spinlock lock;
  std::atomic<bool> waiting = false;
  std::atomic<bool> entered = false;
  lock.lock();
  std::thread waiter([&] {
    waiting.store(true);
    const std::lock_guard guard(lock);
    entered.store(true);
  });
  // Long enough for the waiter to have gone through spinning and yielding to naps.
  while (!waiting.load()) std::this_thread::yield();
  for (int i = 0; i < 200; ++i) std::this_thread::yield();
  EXPECT_FALSE(entered.load());
  lock.unlock();
  waiter.join();
  EXPECT_TRUE(entered.load());
}

}  // namespace
