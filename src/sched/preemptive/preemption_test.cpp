// Preemptive fibers in a scheduler without I/O.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/single_threaded.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cede/blocking.hpp>
#include <cede/no_preempt.hpp>
#include <cede/spawn.hpp>
#include <cede/this_fiber.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "context/no_preempt.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<scheduler> make_scheduler(unsigned workers, clock::duration slice) {
  return scheduler::create({.workers = workers,
                            .make_policy = [](unsigned) { return std::make_unique<fifo_policy>(); },
                            .make_poller = [](worker&) -> result<std::unique_ptr<poller>> {
                              return std::make_unique<futex_poller>();
                            },
                            .slice = slice})
      .value();
}

class preemption : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  }
  static void run(std::function<void()> f, unsigned workers = 1, clock::duration slice = 1ms) {
    const auto in = make_scheduler(workers, slice);
    run_in(*in, std::move(f));
  }
};

TEST(preemption_refused, where_it_is_not_supported_with_an_error_and_a_reason) {
  if (obstacle_to_preemptive() == nullptr) GTEST_SKIP() << "it is supported here";
  EXPECT_GT(std::string(obstacle_to_preemptive()).size(), 10u);
  run_fifo([] {
    EXPECT_EQ(spawn(preemptive, [] {}).error(), errc::not_supported);
    auto f = spawn([] {}).value();
    EXPECT_TRUE(f.join());
  });
}

TEST(preemption_refused, with_a_seed) {
  run_seeded(1, [] { EXPECT_EQ(spawn(preemptive, [] {}).error(), errc::not_supported); });
}

TEST_F(preemption, a_fiber_runs_ends_and_is_joined) {
  run([] {
    int answer = 0;
    auto f = spawn(preemptive, {.name = "own"}, [&] {
               answer = 42;
               EXPECT_EQ(this_fiber::name(), "own");
             }).value();
    EXPECT_TRUE(f.join());
    EXPECT_EQ(answer, 42);
  });
}

TEST_F(preemption, what_it_throws_reaches_the_joiner) {
  run([] {
    auto f = spawn(preemptive, [] { throw std::runtime_error("x"); }).value();
    EXPECT_THROW(static_cast<void>(f.join()), std::runtime_error);
  });
}

TEST_F(preemption, a_slice_or_stack_out_of_range_is_an_error_value) {
  run([] {
    EXPECT_EQ(spawn(preemptive, {.slice = 499us}, [] {}).error(), errc::invalid_argument);
    EXPECT_EQ(spawn(preemptive, {.slice = 1001ms}, [] {}).error(), errc::invalid_argument);
    EXPECT_EQ(spawn(preemptive, {.stack_size = 16 * 1024}, [] {}).error(), errc::invalid_argument);
    auto f = spawn(preemptive, {.slice = 500us}, [] {}).value();
    EXPECT_TRUE(f.join());
  });
}

TEST_F(preemption, one_that_never_yields_does_not_keep_the_others_from_running) {
  run([] {
    std::atomic<bool> over{false};
    auto hog = spawn(preemptive, [&] {
                 while (!over.load(std::memory_order_relaxed)) {
                 }
               }).value();
    auto other = spawn(preemptive, [&] { over = true; }).value();
    EXPECT_TRUE(hog.join());
    EXPECT_TRUE(other.join());
  });
}

TEST_F(preemption, a_cooperative_fiber_too_runs_beside_a_hog_and_sleeps_end) {
  run([] {
    std::atomic<bool> over{false};
    auto hog = spawn(preemptive, [&] {
                 while (!over.load(std::memory_order_relaxed)) {
                 }
               }).value();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(this_fiber::sleep_for(2ms));
    over = true;
    EXPECT_TRUE(hog.join());
  });
}

TEST_F(preemption, hogs_take_turns) {
  run([] {
    // Each waits for a step of the one before, so all must run again and again.
    constexpr int hogs = 4;
    constexpr int steps = 25;
    std::atomic<int> step{0};
    std::vector<cede::fiber> fibers;
    for (int me = 0; me < hogs; ++me)
      fibers.push_back(spawn(preemptive, [&step, me] {
                         for (int i = 0; i < steps; ++i) {
                           while (step.load(std::memory_order_relaxed) != i * hogs + me) {
                           }
                           ++step;
                         }
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
    EXPECT_EQ(step, hogs * steps);
  });
}

thread_local int mine = 7;
thread_local std::string text = "initial";

TEST_F(preemption, thread_locals_and_errno_are_its_own_across_preemptions_and_workers) {
  run(
      [] {
        std::atomic<int> ready{0};
        std::vector<cede::fiber> fibers;
        for (int me = 0; me < 8; ++me)
          fibers.push_back(spawn(preemptive, [&ready, me] {
                             EXPECT_EQ(mine, 7);
                             EXPECT_EQ(text, "initial");
                             mine = me;
                             text = std::string(100, static_cast<char>('a' + me));
                             errno = me;
                             ++ready;
                             while (ready.load(std::memory_order_relaxed) < 8) {
                             }
                             const auto end = clock::now() + 20ms;
                             while (clock::now() < end) {
                             }
                             EXPECT_EQ(errno, me);
                             EXPECT_EQ(mine, me);
                             EXPECT_EQ(text, std::string(100, static_cast<char>('a' + me)));
                           }).value());
        for (auto& f : fibers) EXPECT_TRUE(f.join());
        EXPECT_EQ(mine, 7);
      },
      2);
}

// Reference counts of the standard library, for one, are not atomic while this is set. Asked in a
// process of its own, in which nobody but cede starts threads.
TEST(preemption_alone, the_process_does_not_count_as_single_threaded) {
  const bool single_at_first = __libc_single_threaded != 0;
  if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        if (!single_at_first) std::_Exit(2);  // then this shows nothing
        const auto in = make_scheduler(1, 1ms);
        bool told = true;
        run_in(*in, [&told] {
          auto f = spawn(preemptive, [&told] { told = __libc_single_threaded != 0; }).value();
          EXPECT_TRUE(f.join());
        });
        std::_Exit(told ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

struct counted {
  static inline std::atomic<int> destroyed{0};
  int touched = 0;
  ~counted() { ++destroyed; }
};
thread_local counted at_end;

TEST_F(preemption, the_duties_of_a_threads_end_are_done_before_join_returns) {
  static std::atomic<int> keys_destroyed{0};
  pthread_key_t key{};
  ASSERT_EQ(::pthread_key_create(&key, [](void*) { ++keys_destroyed; }), 0);
  counted::destroyed = 0;
  run([key] {
    for (int i = 1; i <= 10; ++i) {
      auto f = spawn(preemptive, [key, i] {
                 at_end.touched = i;
                 ::pthread_setspecific(key, &at_end);
               }).value();
      EXPECT_TRUE(f.join());
      EXPECT_EQ(counted::destroyed, i);
      EXPECT_EQ(keys_destroyed, i);
    }
  });
  ::pthread_key_delete(key);
}

TEST_F(preemption, pthread_exit_ends_it_as_it_ends_a_thread) {
  run([] {
    bool unwound = false;
    auto f = spawn(preemptive, [&] {
               struct guard {
                 bool& told;
                 ~guard() { told = true; }
               } const g{unwound};
               ::pthread_exit(nullptr);
             }).value();
    EXPECT_TRUE(f.join());
    EXPECT_TRUE(unwound);
  });
}

TEST_F(preemption, parks_and_unparks_meet_preemptions_without_losing_a_permit) {
  constexpr int rounds = 60;
  run(
      [] {
        std::array<std::atomic<runnable*>, 2> who{};
        const auto play = [&](std::size_t me) {
          who[me] = &current();
          while (who[1 - me].load() == nullptr) this_fiber::yield();
          for (int i = 0; i < rounds; ++i) {
            if (me == 0) unpark(*who[1]);
            park(wait_reason::event);
            if (me == 1) unpark(*who[0]);
            const auto end = clock::now() + 2us;
            while (clock::now() < end) {
            }
          }
        };
        std::atomic<bool> over{false};
        std::vector<cede::fiber> hogs;
        for (int i = 0; i < 3; ++i)
          hogs.push_back(spawn(preemptive, [&] {
                           while (!over.load(std::memory_order_relaxed)) {
                           }
                         }).value());
        auto a = spawn(preemptive, [&] { play(0); }).value();
        auto b = spawn(preemptive, [&] { play(1); }).value();
        EXPECT_TRUE(a.join());
        EXPECT_TRUE(b.join());
        over = true;
        for (auto& h : hogs) EXPECT_TRUE(h.join());
      },
      2, 500us);
}

TEST_F(preemption, deadlines_fire_for_fibers_that_move_between_workers) {
  run(
      [] {
        std::vector<cede::fiber> fibers;
        for (int i = 0; i < 16; ++i)
          fibers.push_back(spawn(preemptive, [] {
                             for (int round = 0; round < 8; ++round) {
                               EXPECT_EQ(park_until(wait_reason::event, 300us), wake::deadline);
                               const auto end = clock::now() + 1ms;
                               while (clock::now() < end) {
                               }
                             }
                           }).value());
        for (auto& f : fibers) EXPECT_TRUE(f.join());
      },
      2, 500us);
}

TEST_F(preemption, a_preempted_fiber_goes_on_on_another_worker) {
  run(
      [] {
        // Two hogs start on one worker; the other has nothing to do.
        std::atomic<bool> over{false};
        const auto hog = [&] {
          const pthread_t as_thread = ::pthread_self();
          const pid_t first = ::gettid();
          bool moved = false;
          while (!over.load(std::memory_order_relaxed)) {
            if (!moved && ::gettid() != first) {
              moved = true;
              over = true;
            }
          }
          EXPECT_EQ(::pthread_self(), as_thread);
        };
        std::vector<cede::fiber> fibers;
        for (int i = 0; i < 2; ++i)
          fibers.push_back(spawn(preemptive, {.where = placement::same_worker}, hog).value());
        for (auto& f : fibers) EXPECT_TRUE(f.join());
      },
      2);
}

TEST_F(preemption, is_put_off_in_a_region_and_done_at_its_end) {
  run([] {
    std::atomic<bool> ran{false};
    auto f = spawn(preemptive, [&] {
               {
                 const no_preempt region;
                 const no_preempt nested;
                 while (!context::preemption_pending())
                   std::atomic_signal_fence(std::memory_order_seq_cst);
                 EXPECT_FALSE(ran);
               }
               EXPECT_TRUE(ran);
             }).value();
    this_fiber::yield();
    ran = true;
    EXPECT_TRUE(f.join());
  });
}

// The monitor once took the end of the last slice for a wish, and looked without a pause.
TEST_F(preemption, nobody_looks_at_a_worker_that_sleeps_since_a_hog_has_stopped) {
  const auto in = make_scheduler(1, 1ms);
  std::atomic<bool> asleep{false};
  std::uint64_t looks = 0;
  std::thread observer([&] {
    while (!asleep || in->workers().front()->busy()) std::this_thread::yield();
    const std::uint64_t before = in->watching()->looks();
    std::this_thread::sleep_for(20ms);  // however long it is, there is nothing to look at
    looks = in->watching()->looks() - before;
  });
  run_in(*in, [&] {
    auto hog = spawn(preemptive, [&] {
                 const auto* const policy = in->workers().front()->known_fair();
                 while (policy->expirations() == 0) {
                 }
                 asleep = true;
                 static_cast<void>(this_fiber::sleep_for(60ms));
               }).value();
    EXPECT_TRUE(hog.join());
  });
  observer.join();
  EXPECT_LE(looks, 50u);
}

// Each kick would cost it some 10 us in a virtual machine.
TEST_F(preemption, one_that_computes_is_left_alone_while_all_others_sleep) {
  run([] {
    auto sleeper =
        spawn([] { EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled); }).value();
    std::uint64_t interrupted = 0;
    auto hog = spawn(preemptive, [&] {
                 const fair_policy& its = *worker::current()->known_fair();
                 while (its.expirations() == 0) {
                 }
                 const std::uint64_t before = its.expirations();
                 const auto end = clock::now() + 100ms;
                 while (clock::now() < end) {
                 }
                 interrupted = its.expirations() - before;
               }).value();
    EXPECT_TRUE(hog.join());
    EXPECT_LE(interrupted, 2u);
    sleeper.cancel();
    EXPECT_TRUE(sleeper.join());
  });
}

// Where the monitor may run: of the thread of that name, as the kernel tells. Empty: not there yet.
std::string cpus_of_monitor() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    std::string line;
    std::getline(status, line);
    if (!line.ends_with("cede-monitor")) continue;
    while (std::getline(status, line))
      if (line.starts_with("Cpus_allowed_list:")) return line.substr(line.find('\t') + 1);
  }
  return {};
}

// Hangs, until ctest ends it, where the monitor stays.
TEST_F(preemption, the_monitor_makes_room_where_a_fiber_computes) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  if (CPU_COUNT(&all) != 2 || !CPU_ISSET(0, &all) || !CPU_ISSET(1, &all))
    GTEST_SKIP() << "for two CPUs, 0 and 1, of which one remains";
  run([&] {
    auto sleeper = spawn([] { static_cast<void>(this_fiber::sleep_for(1h)); }).value();
    for (const int own : {1, 0}) {
      auto hog = spawn(preemptive, [own] {
                   cpu_set_t one;
                   CPU_ZERO(&one);
                   CPU_SET(own, &one);
                   ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
                   const std::string other = own == 0 ? "1" : "0";
                   while (cpus_of_monitor() != other) {
                     const auto end = clock::now() + 5ms;
                     while (clock::now() < end) {
                     }
                   }
                 }).value();
      EXPECT_TRUE(hog.join());
    }
    sleeper.cancel();
    EXPECT_TRUE(sleeper.join());
  });
  ::sched_setaffinity(0, sizeof all, &all);
}

TEST_F(preemption, whom_it_wakes_or_spawns_runs_although_it_goes_on) {
  run([] {
    std::atomic<runnable*> waiter{nullptr};
    std::atomic<int> arrived{0};
    auto woken = spawn([&] {
                   waiter = &current();
                   park(wait_reason::event);
                   ++arrived;
                 }).value();
    auto hog = spawn(preemptive, [&] {
                 const fair_policy& its = *worker::current()->known_fair();
                 while (waiter == nullptr) this_fiber::yield();
                 while (its.expirations() == 0) {
                 }
                 unpark(*waiter);
                 while (arrived != 1) {
                 }
                 auto born = spawn(attributes{.where = placement::same_worker}, [&] { ++arrived; });
                 while (arrived != 2) {
                 }
                 auto timed = spawn([&] {
                   EXPECT_TRUE(this_fiber::sleep_for(5ms));
                   ++arrived;
                 });
                 while (arrived != 3) {
                 }
                 EXPECT_TRUE(born && born->join() && timed && timed->join());
               }).value();
    EXPECT_TRUE(hog.join());
    EXPECT_TRUE(woken.join());
  });
}

TEST_F(preemption, whom_another_thread_wakes_runs_although_it_goes_on) {
  run([] {
    std::atomic<runnable*> waiter{nullptr};
    std::atomic<bool> left_alone{false};
    std::atomic<bool> arrived{false};
    auto woken = spawn([&] {
                   waiter = &current();
                   park(wait_reason::event);
                   arrived = true;
                 }).value();
    std::thread outside([&] {
      while (!left_alone) std::this_thread::yield();
      unpark(*waiter);
    });
    auto hog = spawn(preemptive, [&] {
                 const fair_policy& its = *worker::current()->known_fair();
                 while (waiter == nullptr) this_fiber::yield();
                 while (its.expirations() == 0) {
                 }
                 left_alone = true;
                 while (!arrived) {
                 }
               }).value();
    EXPECT_TRUE(hog.join());
    EXPECT_TRUE(woken.join());
    outside.join();
  });
}

TEST_F(preemption, a_sleep_of_the_c_library_is_not_cut_short) {
  run([] {
    auto sleeper = spawn(preemptive, [] {
                     constexpr timespec time{.tv_sec = 0, .tv_nsec = 30'000'000};
                     EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr), 0);
                   }).value();
    auto other = spawn(preemptive, [] {}).value();
    EXPECT_TRUE(sleeper.join());
    EXPECT_TRUE(other.join());
  });
}

TEST_F(preemption, a_lock_of_the_c_library_held_by_a_preempted_fiber_is_given_back_in_time) {
  run([] {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    std::vector<cede::fiber> fibers;
    long sum = 0;
    for (int i = 0; i < 4; ++i)
      fibers.push_back(spawn(preemptive, [&sum] {
                         for (int round = 0; round < 3; ++round) {
                           ::pthread_mutex_lock(&lock);
                           const auto end = clock::now() + 3ms;
                           while (clock::now() < end) {
                           }
                           ++sum;
                           ::pthread_mutex_unlock(&lock);
                         }
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
    EXPECT_EQ(sum, 12);
  });
}

TEST_F(preemption, blocking_calls_and_spawns_of_all_kinds_work_from_inside) {
  run(
      [] {
        auto f = spawn(preemptive, [] {
                   EXPECT_EQ(blocking([] { return 42; }), 42);
                   for (const kind what : {cooperative, preemptive, os_thread}) {
                     auto child = spawn(what, [] { return this_fiber::sleep_for(1ms); }).value();
                     EXPECT_TRUE(child.join());
                   }
                 }).value();
        EXPECT_TRUE(f.join());
      },
      2);
}

TEST_F(preemption, fibers_come_and_go_by_the_thousand) {
  run(
      [] {
        std::atomic<int> sum{0};
        for (int batch = 0; batch < 20; ++batch) {
          std::vector<cede::fiber> fibers;
          for (int i = 0; i < 100; ++i)
            fibers.push_back(spawn(preemptive, [&sum] { ++sum; }).value());
          for (auto& f : fibers) ASSERT_TRUE(f.join());
        }
        EXPECT_EQ(sum, 2'000);
      },
      2);
}

TEST_F(preemption, cancels_reach_it) {
  run(
      [] {
        for (int round = 0; round < 200; ++round) {
          auto f = spawn(preemptive, [] {
                     EXPECT_EQ(park_until(wait_reason::event, never), wake::cancelled);
                   }).value();
          f.cancel();
          EXPECT_TRUE(f.join());
        }
      },
      2);
}

}  // namespace
}  // namespace cede::sched
