// Initialisers of function statics that wait, and who comes meanwhile.
#include <cxxabi.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cede/spawn.hpp>
#include <cede/this_fiber.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/sanitizers.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;

// One static for each lambda expression.
template <class F>
int lazily(F initializer) {
  static const int value = initializer();
  return value;
}

class static_guard : public testing::Test {
 protected:
  void SetUp() override {
    if (CEDE_TSAN) GTEST_SKIP() << "ThreadSanitizer brings guards of its own";
  }
};

TEST_F(static_guard, fibers_of_one_worker_wait_for_an_initialiser_that_waits) {
  run_fifo([] {
    int runs = 0;
    const auto get = [&runs] {
      return lazily([&runs] {
        EXPECT_TRUE(this_fiber::sleep_for(5ms));
        return ++runs;
      });
    };
    std::vector<cede::fiber> fibers;
    for (int i = 0; i < 10; ++i) fibers.push_back(spawn([&get] { EXPECT_EQ(get(), 1); }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
    EXPECT_EQ(runs, 1);
  });
}

TEST_F(static_guard, whoever_waits_initialises_when_the_first_one_has_thrown) {
  run_fifo([] {
    int runs = 0;
    int thrown = 0;
    const auto get = [&runs] {
      return lazily([&runs] {
        EXPECT_TRUE(this_fiber::sleep_for(1ms));
        if (++runs < 3) throw std::runtime_error("not yet");
        return runs;
      });
    };
    std::vector<cede::fiber> fibers;
    for (int i = 0; i < 5; ++i)
      fibers.push_back(spawn([&] {
                         try {
                           EXPECT_EQ(get(), 3);
                         } catch (const std::runtime_error&) {
                           ++thrown;
                         }
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
    EXPECT_EQ(thrown, 2);
  });
}

TEST_F(static_guard, a_cancel_does_not_end_the_wait_and_is_kept) {
  run_fifo([] {
    std::atomic<bool> begun{false};
    const auto get = [&begun] {
      return lazily([&begun] {
        begun = true;
        EXPECT_TRUE(this_fiber::sleep_for(3ms));
        return 7;
      });
    };
    auto first = spawn([&] { EXPECT_EQ(get(), 7); }).value();
    while (!begun) this_fiber::yield();
    auto second = spawn([&] {
                    EXPECT_EQ(get(), 7);
                    EXPECT_TRUE(this_fiber::cancelled());
                  }).value();
    this_fiber::yield();
    second.cancel();
    EXPECT_TRUE(first.join());
    EXPECT_TRUE(second.join());
  });
}

// With every kind as the one that initialises and waits in it, and every kind as the one that comes
// meanwhile, all fibers on one worker.
template <kind First, kind Second>
void expect_second_waits_for_first() {
  run_fifo([] {
    std::atomic<bool> begun{false};
    int runs = 0;
    const auto get = [&] {
      return lazily([&] {
        begun = true;
        EXPECT_TRUE(this_fiber::sleep_for(5ms));
        return ++runs;
      });
    };
    auto first = spawn(First, [&] { EXPECT_EQ(get(), 1); }).value();
    while (!begun) EXPECT_TRUE(this_fiber::sleep_for(100us));
    auto second = spawn(Second, [&] { EXPECT_EQ(get(), 1); }).value();
    EXPECT_TRUE(second.join());
    EXPECT_TRUE(first.join());
    EXPECT_EQ(runs, 1);
  });
}

TEST_F(static_guard, fibers_and_threads_wait_for_each_other) {
  expect_second_waits_for_first<kind::cooperative, kind::os_thread>();
  expect_second_waits_for_first<kind::os_thread, kind::cooperative>();
  expect_second_waits_for_first<kind::os_thread, kind::os_thread>();
}

TEST_F(static_guard, so_do_preemptive_fibers) {
  if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  expect_second_waits_for_first<kind::preemptive, kind::preemptive>();
  expect_second_waits_for_first<kind::preemptive, kind::cooperative>();
  expect_second_waits_for_first<kind::cooperative, kind::preemptive>();
  expect_second_waits_for_first<kind::preemptive, kind::os_thread>();
}

TEST_F(static_guard, one_that_is_interrupted_in_its_initialiser_is_waited_for) {
  if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  run_fifo([] {
    std::atomic<bool> begun{false};
    const auto get = [&] {
      return lazily([&] {
        begun = true;
        const auto end = clock::now() + 30ms;
        while (clock::now() < end) {
        }
        return 5;
      });
    };
    auto first = spawn(preemptive, [&] { EXPECT_EQ(get(), 5); }).value();
    while (!begun) this_fiber::yield();
    EXPECT_EQ(get(), 5);
    EXPECT_TRUE(first.join());
  });
}

TEST_F(static_guard, a_seeded_run_with_virtual_time_goes_on) {
  run_seeded(7, [] {
    int runs = 0;
    std::vector<cede::fiber> fibers;
    for (int i = 0; i < 5; ++i)
      fibers.push_back(spawn([&runs] {
                         EXPECT_EQ(lazily([&runs] {
                                     EXPECT_TRUE(this_fiber::sleep_for(1s));
                                     return ++runs;
                                   }),
                                   1);
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
  });
}

// Of a guard in an inline function one library may use our functions and another the C++ library's.
class foreign_guard : public static_guard {
 protected:
  using guard = __cxxabiv1::__guard;
  void SetUp() override {
    static_guard::SetUp();
    void* const library = ::dlopen("libstdc++.so.6", RTLD_NOW | RTLD_NOLOAD);
    if (library == nullptr) GTEST_SKIP() << "the C++ library is not a shared one here";
    acquire = reinterpret_cast<int (*)(guard*)>(::dlsym(library, "__cxa_guard_acquire"));
    release = reinterpret_cast<void (*)(guard*)>(::dlsym(library, "__cxa_guard_release"));
    ASSERT_NE(acquire, nullptr);
    ASSERT_NE(release, nullptr);
    ASSERT_NE(acquire, &__cxxabiv1::__cxa_guard_acquire) << "ours is not in place";
  }
  int (*acquire)(guard*) = nullptr;
  void (*release)(guard*) = nullptr;
  guard word = 0;
  std::atomic<int> value{0};
};

constexpr std::uint32_t awaited_bit = 1U << 16;

TEST_F(foreign_guard, who_waits_in_the_cpp_library_is_woken_by_us) {
  ASSERT_EQ(__cxxabiv1::__cxa_guard_acquire(&word), 1);
  std::thread waiter([&] {
    EXPECT_EQ(acquire(&word), 0);
    EXPECT_EQ(value, 1);
  });
  std::atomic_ref seen(word);
  while ((seen.load() & awaited_bit) == 0) std::this_thread::yield();
  value = 1;
  __cxxabiv1::__cxa_guard_release(&word);
  waiter.join();
}

TEST_F(foreign_guard, a_fiber_and_a_thread_see_that_the_cpp_library_has_released) {
  ASSERT_EQ(acquire(&word), 1);
  std::thread waiter([&] {
    EXPECT_EQ(__cxxabiv1::__cxa_guard_acquire(&word), 0);
    EXPECT_EQ(value, 1);
  });
  std::atomic_ref seen(word);
  while ((seen.load() & awaited_bit) == 0) std::this_thread::yield();
  run_fifo([&] {
    auto fiber = spawn([&] {
                   EXPECT_EQ(__cxxabiv1::__cxa_guard_acquire(&word), 0);
                   EXPECT_EQ(value, 1);
                 }).value();
    EXPECT_TRUE(this_fiber::sleep_for(2ms));  // it has its turn, and waits
    value = 1;
    release(&word);
    EXPECT_TRUE(fiber.join());
  });
  waiter.join();
}

}  // namespace
}  // namespace cede::sched
