// Mutexes with priority inheritance in preemptive fibers, which the kernel cannot serve.
#include <gtest/gtest.h>
#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cede/spawn.hpp>
#include <cede/this_fiber.hpp>
#include <cstdlib>
#include <thread>

#include "base/assert.hpp"
#include "sched/parking.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;

class inheriting_mutex {
 public:
  explicit inheriting_mutex(int type = PTHREAD_MUTEX_NORMAL) {
    pthread_mutexattr_t how;
    ::pthread_mutexattr_init(&how);
    ::pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT);
    ::pthread_mutexattr_settype(&how, type);
    if (::pthread_mutex_init(&mutex_, &how) != 0) std::abort();
    ::pthread_mutexattr_destroy(&how);
  }
  inheriting_mutex(const inheriting_mutex&) = delete;
  inheriting_mutex& operator=(const inheriting_mutex&) = delete;

  int lock() { return ::pthread_mutex_lock(&mutex_); }
  int unlock() { return ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

class priority_mutex : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    // The runtime's business otherwise.
    base::set_current_name_hook(
        [](char* buffer, std::size_t size) noexcept { describe(current(), buffer, size); });
  }
  void TearDown() override { base::set_current_name_hook(nullptr); }
};
using priority_mutex_death = priority_mutex;

constexpr const char* refusal =
    "cede: a preemptive fiber must not wait for a mutex with priority inheritance.*"
    "\\(fiber 'second', ";

void contend(unsigned workers, int type) {
  run_fifo(
      [type] {
        inheriting_mutex mutex(type);
        std::atomic<bool> held{false};
        auto first = spawn(preemptive, {.name = "first"}, [&] {
                       if (mutex.lock() != 0) std::_Exit(2);
                       held = true;
                       park(wait_reason::event);
                     }).value();
        while (!held) static_cast<void>(this_fiber::sleep_for(1ms));
        auto second = spawn(preemptive, {.name = "second"}, [&] {
                        mutex.lock();
                        std::_Exit(3);
                      }).value();
        static_cast<void>(second.join());
      },
      workers);
}

// The C library would let the second one wait for ever, without a word.
TEST_F(priority_mutex_death, a_fiber_that_waits_for_a_fibers_is_named) {
  EXPECT_DEATH(contend(1, PTHREAD_MUTEX_NORMAL), refusal);
  EXPECT_DEATH(contend(1, PTHREAD_MUTEX_ERRORCHECK), refusal);
  EXPECT_DEATH(contend(1, PTHREAD_MUTEX_RECURSIVE), refusal);
}

TEST_F(priority_mutex_death, even_where_it_is_alone_on_its_worker) {
  EXPECT_DEATH(contend(3, PTHREAD_MUTEX_NORMAL), refusal);
}

// It would get the mutex as whichever thread it happens to run on.
TEST_F(priority_mutex_death, a_fiber_that_waits_for_a_threads_is_named) {
  EXPECT_DEATH(
      {
        inheriting_mutex mutex;
        std::atomic<bool> held{false};
        std::thread([&] {
          mutex.lock();
          held = true;
          for (;;) std::this_thread::sleep_for(1h);
        }).detach();
        while (!held) std::this_thread::yield();
        run_fifo([&] {
          auto f = spawn(preemptive, {.name = "second"}, [&] { mutex.lock(); }).value();
          static_cast<void>(f.join());
        });
      },
      refusal);
}

TEST_F(priority_mutex, threads_and_cooperative_fibers_are_not_concerned) {
  run_fifo(
      [] {
        inheriting_mutex mutex;
        int sum = 0;
        const auto add = [&] {
          for (int i = 0; i < 1'000; ++i) {
            EXPECT_EQ(mutex.lock(), 0);
            ++sum;
            EXPECT_EQ(mutex.unlock(), 0);
          }
        };
        std::atomic<bool> over{false};
        auto hog = spawn(preemptive, [&] {
                     while (!over.load(std::memory_order_relaxed)) {
                     }
                   }).value();
        auto a = spawn(os_thread, add).value();
        auto b = spawn(os_thread, add).value();
        auto c = spawn(add).value();
        EXPECT_TRUE(a.join());
        EXPECT_TRUE(b.join());
        EXPECT_TRUE(c.join());
        over = true;
        EXPECT_TRUE(hog.join());
        EXPECT_EQ(sum, 3'000);
      },
      2);
}

// Looks the same to the kernel as the wait that never ends, with such a mutex near it.
TEST_F(priority_mutex, a_long_wait_for_something_else_with_one_held_is_none) {
  run_fifo([] {
    inheriting_mutex mutex;
    std::atomic<sem_t*> where{nullptr};
    auto f = spawn(preemptive, [&] {
               sem_t done;
               ::sem_init(&done, 0, 0);
               EXPECT_EQ(mutex.lock(), 0);
               where = &done;
               while (::sem_wait(&done) != 0) {
               }
               EXPECT_EQ(mutex.unlock(), 0);
             }).value();
    while (where == nullptr) EXPECT_TRUE(this_fiber::sleep_for(1ms));
    EXPECT_TRUE(this_fiber::sleep_for(50ms));  // several kicks, or none: it holds either way
    ::sem_post(where);
    EXPECT_TRUE(f.join());
  });
}

}  // namespace
}  // namespace cede::sched
