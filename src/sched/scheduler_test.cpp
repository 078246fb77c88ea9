// What the scheduler promises to fibers and OS threads: order, parking, timers, stealing, joining.
#include <gtest/gtest.h>

#include <atomic>
#include <cede/blocking.hpp>
#include <cede/this_fiber.hpp>
#include <set>
#include <thread>
#include <vector>

#include "base/sanitizers.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;

TEST(scheduler, fibers_of_one_worker_run_in_the_order_of_their_spawning) {
  std::vector<int> order;
  run_fifo([&] {
    std::vector<cede::fiber> fibers;
    for (int i = 0; i < 4; ++i)
      fibers.push_back(spawn([&order, i] {
                         order.push_back(i);
                         this_fiber::yield();
                         order.push_back(i + 10);
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
  });
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 10, 11, 12, 13}));
}

TEST(scheduler, a_join_delivers_what_was_thrown_and_what_was_returned) {
  run_fifo([] {
    auto thrower = spawn([] { throw std::runtime_error("no butter"); }).value();
    EXPECT_THROW(static_cast<void>(thrower.join()), std::runtime_error);
    auto failing = spawn([]() -> result<> { return failure(errc::closed); }).value();
    EXPECT_EQ(failing.join().error(), errc::closed);
    EXPECT_TRUE(failing.join());
  });
}

TEST(scheduler, a_dropped_handle_cancels_and_joins) {
  bool ended = false;
  run_fifo([&] {
    {
      auto sleeper = spawn([&] {
                       EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled);
                       ended = true;
                     }).value();
      this_fiber::yield();
    }
    EXPECT_TRUE(ended);
  });
}

TEST(scheduler, an_unpark_before_the_park_is_not_lost) {
  run_fifo([] {
    unpark(current());
    EXPECT_EQ(park_until(wait_reason::event, 1h), wake::unparked);
    EXPECT_EQ(park_until(wait_reason::event, 1ms), wake::deadline);
  });
}

TEST(scheduler, a_cancelled_fiber_waits_no_more_unless_it_must) {
  run_fifo([] {
    auto f =
        spawn([] {
          runnable& self = current();
          EXPECT_EQ(park_until(wait_reason::event, never), wake::cancelled);
          EXPECT_EQ(park_until(wait_reason::event, never), wake::cancelled);
          EXPECT_EQ(park_until(wait_reason::mutex, 1ms, cancellation::ignored), wake::deadline);
          unpark(self);
          EXPECT_EQ(park_until(wait_reason::event, never), wake::unparked);
        }).value();
    this_fiber::yield();
    f.cancel();
    EXPECT_TRUE(f.join());
  });
}

// Only a hint for the cache, so nothing else would notice if it led elsewhere.
TEST(scheduler, a_control_block_leads_to_the_frames_and_the_body_of_a_fiber_that_waits) {
  run_fifo([] {
    const void* frame = nullptr;
    const void* body = nullptr;
    runnable* waiting = nullptr;
    auto fiber = spawn([&, on_stack = 0]() mutable {
                   body = &on_stack;
                   frame = __builtin_frame_address(0);
                   waiting = &current();
                   park(wait_reason::none);
                 }).value();
    yield();
    const auto* const top = static_cast<const std::byte*>(*registers_of(*waiting));
    EXPECT_LT(top, frame);
    EXPECT_GT(top, static_cast<const std::byte*>(frame) - 16 * 1024);
    EXPECT_LE(waiting->body, body);
    EXPECT_GT(static_cast<const std::byte*>(waiting->body),
              static_cast<const std::byte*>(body) - 64);
    unpark(*waiting);
  });
}

TEST(scheduler, sleepers_wake_in_the_order_of_their_deadlines) {
  std::vector<int> order;
  run_seeded(1, [&] {
    const auto start = clock::now();
    std::vector<cede::fiber> fibers;
    for (int i : {3, 1, 2})
      fibers.push_back(spawn([&order, i, start] {
                         EXPECT_TRUE(this_fiber::sleep_for(std::chrono::hours(i)));
                         EXPECT_EQ(clock::now(), start + std::chrono::hours(i));
                         order.push_back(i);
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
  });
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(scheduler, a_join_gives_up_at_its_deadline_and_can_be_repeated) {
  run_seeded(3, [] {
    auto f = spawn([] { EXPECT_TRUE(this_fiber::sleep_for(2s)); }).value();
    EXPECT_EQ(f.join(1s).error(), errc::deadline_exceeded);
    EXPECT_TRUE(f.join(5s));
  });
}

std::vector<int> interleaving(std::uint64_t seed) {
  std::vector<int> order;
  run_seeded(seed, [&] {
    std::vector<cede::fiber> fibers;
    for (int i = 0; i < 5; ++i)
      fibers.push_back(spawn([&order, i] {
                         for (int step = 0; step < 5; ++step) {
                           order.push_back(i);
                           this_fiber::yield();
                         }
                       }).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
  });
  return order;
}

TEST(scheduler, one_seed_is_one_schedule) {
  EXPECT_EQ(interleaving(5), interleaving(5));
  EXPECT_NE(interleaving(5), interleaving(6));
}

TEST(scheduler_death, an_empty_event_queue_with_waiters_is_a_reported_deadlock) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_seeded(1,
                          [] {
                            auto f =
                                spawn({.name = "waiter"}, [] { park(wait_reason::mutex); }).value();
                            static_cast<void>(f.join());
                          }),
               "deadlock.*\n.*fiber 'first' waits: join\n.*fiber 'waiter' waits: mutex");
}

TEST(scheduler_death, an_os_thread_that_has_ended_can_wake_nobody_any_more) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_seeded(1,
                          [] {
                            auto t = spawn(os_thread, [] {}).value();
                            EXPECT_TRUE(t.join());
                            park(wait_reason::semaphore);
                          }),
               "deadlock.*\n.*fiber 'first' waits: semaphore");
}

TEST(scheduler, os_threads_come_and_go_and_the_scheduler_outlives_each) {
  for (int round = 0; round < 50; ++round)
    run_fifo([] {
      std::vector<cede::fiber> threads;
      for (int i = 0; i < 4; ++i) threads.push_back(spawn(os_thread, [] {}).value());
      for (auto& t : threads) EXPECT_TRUE(t.join());
    });
}

TEST(scheduler, the_same_code_runs_as_an_os_thread) {
  run_fifo([] {
    const auto main_thread = std::this_thread::get_id();
    auto t = spawn(os_thread, {.name = "by the kernel"}, [main_thread] {
               EXPECT_NE(std::this_thread::get_id(), main_thread);
               EXPECT_EQ(this_fiber::name(), "by the kernel");
               this_fiber::yield();
               EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled);
             }).value();
    t.cancel();
    EXPECT_TRUE(t.join());
  });
}

TEST(scheduler, a_thread_stack_or_priority_out_of_range_is_an_error_value) {
  run_fifo([] {
    EXPECT_EQ(spawn(os_thread, {.stack_size = 1}, [] {}).error(), errc::invalid_argument);
    EXPECT_EQ(
        spawn(os_thread, {.policy = thread_policy::fifo, .realtime_priority = 1000}, [] {}).error(),
        errc::invalid_argument);
    EXPECT_EQ(spawn({.stack_size = std::size_t{1} << 40}, [] {}).error(), errc::invalid_argument);
    EXPECT_EQ(spawn({.priority = 3}, [] {}).error(), errc::invalid_argument);
  });
}

TEST(scheduler, spawn_outside_a_runtime_is_an_error_value) {
  EXPECT_EQ(spawn([] {}).error(), errc::no_runtime);
}

TEST(scheduler, new_fibers_spread_over_the_workers) {
  std::set<unsigned> seen;
  run_fifo(
      [&] {
        std::vector<cede::fiber> fibers;
        std::atomic<int> running{0};
        std::array<std::atomic<bool>, 2> used{};
        for (int i = 0; i < 2; ++i)
          fibers.push_back(spawn([&] {
                             used[worker::current()->index()] = true;
                             ++running;
                             while (running.load() < 2) std::this_thread::yield();
                           }).value());
        for (auto& f : fibers) EXPECT_TRUE(f.join());
        for (unsigned i = 0; i < 2; ++i)
          if (used[i]) seen.insert(i);
      },
      2);
  EXPECT_EQ(seen, (std::set<unsigned>{0, 1}));
}

TEST(scheduler, an_idle_worker_steals_what_waits_to_start_on_a_busy_one) {
  run_fifo(
      [] {
        std::atomic<int> started{0};
        std::vector<cede::fiber> fibers;
        for (int i = 0; i < 8; ++i) fibers.push_back(spawn([&] { ++started; }).value());
        // This worker does not yield: whatever was placed here can only be run by the other.
        while (started.load() < 8) std::this_thread::yield();
        for (auto& f : fibers) EXPECT_TRUE(f.join());
      },
      2);
}

TEST(scheduler, what_waits_to_start_behind_a_hog_is_stolen_too) {
  run_fifo(
      [] {
        std::atomic<int> ended{0};
        std::vector<cede::fiber> fibers;
        // It keeps its worker until all others have ended: what is placed behind it must be taken
        // over.
        fibers.push_back(spawn([&] {
                           while (ended.load() < 6) std::this_thread::yield();
                         }).value());
        for (int i = 0; i < 6; ++i) fibers.push_back(spawn([&] { ++ended; }).value());
        for (auto& f : fibers) EXPECT_TRUE(f.join());
      },
      2);
}

TEST(scheduler, same_worker_is_not_stolen) {
  run_fifo(
      [] {
        const worker* const here = worker::current();
        std::vector<cede::fiber> fibers;
        for (int i = 0; i < 32; ++i)
          fibers.push_back(spawn({.where = placement::same_worker}, [here] {
                             EXPECT_EQ(worker::current(), here);
                           }).value());
        std::atomic<bool> other_ran{false};
        auto other = spawn([&] { other_ran = true; }).value();
        while (!other_ran) std::this_thread::yield();
        for (auto& f : fibers) EXPECT_TRUE(f.join());
        EXPECT_TRUE(other.join());
      },
      2);
}

TEST(scheduler, workers_hand_permits_to_each_other_without_losing_one) {
  constexpr int rounds = 20'000;
  run_fifo(
      [] {
        std::atomic<runnable*> ping{nullptr};
        std::atomic<runnable*> pong{nullptr};
        auto f = spawn([&] {
                   ping = &current();
                   while (pong.load() == nullptr) this_fiber::yield();
                   for (int i = 0; i < rounds; ++i) {
                     park(wait_reason::event);
                     unpark(*pong);
                   }
                 }).value();
        pong = &current();
        while (ping.load() == nullptr) this_fiber::yield();
        for (int i = 0; i < rounds; ++i) {
          unpark(*ping);
          park(wait_reason::event);
        }
        EXPECT_TRUE(f.join());
      },
      2);
}

TEST(scheduler, outlives_the_foreign_thread_that_wakes_its_last_fiber) {
  for (int round = 0; round < 500; ++round) {
    std::atomic<runnable*> waiter{nullptr};
    std::thread outside([&] {
      while (waiter.load() == nullptr) std::this_thread::yield();
      unpark(*waiter);
    });
    run_fifo([&] {
      waiter = &current();
      park(wait_reason::event);
    });
    outside.join();
  }
}

TEST(scheduler, cancels_race_with_thefts_of_fibers_that_have_not_started) {
  run_fifo(
      [] {
        for (int round = 0; round < 500; ++round) {
          auto f = spawn([] {
                     EXPECT_EQ(park_until(wait_reason::event, never), wake::cancelled);
                   }).value();
          f.cancel();
          EXPECT_TRUE(f.join());
        }
      },
      2);
}

TEST(scheduler, cancels_race_with_unparks_and_every_permit_is_consumed) {
  run_fifo(
      [] {
        for (int round = 0; round < 2'000; ++round) {
          std::atomic<runnable*> waiter{nullptr};
          auto f = spawn([&] {
                     waiter = &current();
                     if (park_until(wait_reason::event, never) == wake::cancelled)
                       await_permit(wait_reason::event);
                   }).value();
          while (waiter.load() == nullptr) this_fiber::yield();
          auto canceller = spawn([&] { f.cancel(); }).value();
          unpark(*waiter);
          EXPECT_TRUE(canceller.join());
          EXPECT_TRUE(f.join());
        }
      },
      2);
}

TEST(scheduler, blocking_calls_leave_the_worker_to_others_and_deliver_what_they_throw) {
  run_fifo([] {
    std::atomic<bool> other_ran{false};
    auto other = spawn([&] { other_ran = true; }).value();
    const int answer = blocking([&] {
      while (!other_ran) std::this_thread::yield();
      return 42;
    });
    EXPECT_EQ(answer, 42);
    EXPECT_THROW(blocking([] { throw std::runtime_error("disk"); }), std::runtime_error);
    EXPECT_TRUE(other.join());
  });
}

TEST(scheduler, exceptions_survive_a_switch_inside_a_handler) {
  run_fifo([] {
    const auto body = [](const char* text) {
      try {
        throw std::runtime_error(text);
      } catch (const std::runtime_error& e) {
        this_fiber::yield();
        EXPECT_STREQ(e.what(), text);
        try {
          throw;
        } catch (const std::runtime_error& again) {
          this_fiber::yield();
          EXPECT_STREQ(again.what(), text);
        }
      }
    };
    auto a = spawn([&] { body("a"); }).value();
    auto b = spawn([&] { body("b"); }).value();
    EXPECT_TRUE(a.join());
    EXPECT_TRUE(b.join());
  });
}

TEST(scheduler, fibers_come_and_go_by_the_thousand) {
  // ThreadSanitizer takes a millisecond to make a fiber.
  constexpr std::size_t batches = CEDE_TSAN ? 3 : 100;
  run_fifo([] {
    std::size_t sum = 0;
    for (std::size_t batch = 0; batch < batches; ++batch) {
      std::vector<cede::fiber> fibers;
      for (std::size_t i = 0; i < 1000; ++i) fibers.push_back(spawn([&sum] { ++sum; }).value());
      for (auto& f : fibers) ASSERT_TRUE(f.join());
    }
    EXPECT_EQ(sum, batches * 1000);
  });
}

}  // namespace
}  // namespace cede::sched
