// What the annotations are for. Each test says something only in a build with its sanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "base/sanitizers.hpp"
#include "context/stack.hpp"
#include "context/test_fiber.hpp"

#if CEDE_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace cede::context {
namespace {

using testing::test_fiber;

#if CEDE_ASAN
// Not instrumented, so that the pointer is on the stack itself; see fiber_annotations.hpp.
[[gnu::noinline]] CEDE_NO_SANITIZE_ADDRESS int hold_over(void (*pause)(void*), void* argument) {
  int* volatile only_here = new int(1);
  pause(argument);
  const int value = *only_here;
  delete only_here;
  return value;
}
#endif

TEST(sanitizers, a_heap_pointer_on_a_parked_stack_is_no_leak) {
#if CEDE_ASAN
  test_fiber fiber([](test_fiber& self) {
    EXPECT_EQ(hold_over([](void* there) { static_cast<test_fiber*>(there)->park(); }, &self), 1);
  });
  fiber.resume();
  EXPECT_EQ(__lsan_do_recoverable_leak_check(), 0);
  fiber.resume();
#else
  GTEST_SKIP() << "needs AddressSanitizer";
#endif
}

TEST(sanitizers, a_heap_pointer_on_the_threads_stack_is_no_leak_while_a_fiber_runs) {
#if CEDE_ASAN
  int leaks = -1;
  test_fiber fiber([&](test_fiber&) { leaks = __lsan_do_recoverable_leak_check(); });
  EXPECT_EQ(hold_over([](void* there) { static_cast<test_fiber*>(there)->resume(); }, &fiber), 1);
  EXPECT_EQ(leaks, 0);
#else
  GTEST_SKIP() << "needs AddressSanitizer";
#endif
}

// A fiber that ends by switch_final never unpoisons its last frames.
TEST(sanitizers, a_reused_stack_is_clean) {
  stack_pool pool;
  for (int i = 0; i < 20; ++i) {
    const stack_slot slot = pool.allocate(64 * 1024).value();
    {
      test_fiber fiber(slot, [](test_fiber& self) {
        volatile char large[8192];
        large[0] = 1;
        self.park();
        large[8191] = large[0];
      });
      fiber.resume();
      fiber.resume();
    }
    std::memset(slot.bottom, 0, slot.usable());
    pool.release(slot);
  }
}

TEST(sanitizers_death_test, use_of_a_released_stack_is_found) {
#if CEDE_ASAN
  testing::isolate_death_tests();
  EXPECT_DEATH(
      {
        stack_pool pool;
        const stack_slot slot = pool.allocate(64 * 1024).value();
        pool.release(slot);
        *static_cast<volatile std::byte*>(slot.top - 64) = std::byte{1};
      },
      "use-after-poison");
#else
  GTEST_SKIP() << "needs AddressSanitizer";
#endif
}

TEST(sanitizers_death_test, an_overrun_on_a_fibers_stack_is_found) {
#if CEDE_ASAN
  testing::isolate_death_tests();
  EXPECT_DEATH(
      {
        test_fiber fiber([](test_fiber& self) {
          char text[16];
          self.park();
          volatile char* past = text;
          past[17] = 1;
        });
        fiber.resume();
        fiber.resume();
      },
      "stack-buffer-overflow|insufficient space");
#else
  GTEST_SKIP() << "needs AddressSanitizer";
#endif
}

struct traveller {
  fiber_context fiber;
  fiber_context* home = nullptr;  // of the thread it runs on now
  int steps = 0;
  bool over = false;
};

void travel(void* argument) {
  auto& self = *static_cast<traveller*>(argument);
  arrived(self.fiber);
  try {
    throw 1;
  } catch (int) {
    while (++self.steps < 100) switch_to(self.fiber, *self.home);
  }
  self.over = true;
  switch_final(self.fiber, *self.home);
}

// The threads take turns by an atomic, which is all the order there is.
TEST(sanitizers, a_fiber_may_go_on_on_another_thread) {
  const stack_slot slot = stack_pool::instance().allocate(64 * 1024).value();
  traveller one;
  one.fiber.start_on(slot, &travel, &one);
  std::atomic<int> turn = 0;
  auto run = [&](int mine) {
    fiber_context home;
    for (;;) {
      while (turn.load(std::memory_order_acquire) % 2 != mine) std::this_thread::yield();
      if (!one.over) {
        one.home = &home;
        switch_to(home, one.fiber);
        EXPECT_EQ(std::current_exception(), nullptr);
      }
      const bool done = one.over;
      turn.fetch_add(1, std::memory_order_release);
      if (done) return;
    }
  };
  std::thread even(run, 0);
  std::thread odd(run, 1);
  even.join();
  odd.join();
  EXPECT_EQ(one.steps, 100);
  one.fiber.destroy();
  stack_pool::instance().release(slot);
}

#if CEDE_TSAN
volatile int unsynchronised = 0;  // volatile, as nobody reads it

// Both accesses while both fibers live, in an order that only relaxed atomics make.
void race() {
  std::atomic<bool> first_wrote = false;
  std::atomic<bool> second_wrote = false;
  std::thread first([&] {
    test_fiber fiber([&](test_fiber& self) {
      unsynchronised = 1;
      self.park();
    });
    fiber.resume();
    first_wrote.store(true, std::memory_order_relaxed);
    while (!second_wrote.load(std::memory_order_relaxed)) std::this_thread::yield();
    fiber.resume();
  });
  std::thread second([&] {
    while (!first_wrote.load(std::memory_order_relaxed)) std::this_thread::yield();
    test_fiber fiber([](test_fiber&) { unsynchronised = 2; });
    fiber.resume();
    second_wrote.store(true, std::memory_order_relaxed);
  });
  first.join();
  second.join();
}
#endif

TEST(sanitizers_death_test, a_race_between_fibers_of_two_threads_is_found) {
#if CEDE_TSAN
  testing::isolate_death_tests();
  EXPECT_DEATH(race(), "data race");
#else
  GTEST_SKIP() << "needs ThreadSanitizer";
#endif
}

}  // namespace
}  // namespace cede::context
