// Many schedules of the same small programs, in virtual time: a seed decides who runs next, so a
// failure is repeated by its seed, and a lost wake is a deadlock that is reported, not a hang.
#include <gtest/gtest.h>

#include <cede/condition_variable.hpp>
#include <cede/event.hpp>
#include <cede/latch.hpp>
#include <cede/mutex.hpp>
#include <cede/semaphore.hpp>
#include <cede/this_fiber.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "sched/test_scheduler.hpp"

namespace cede::sync {
namespace {

using namespace std::chrono_literals;

class schedules : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::uint64_t seeds_each = 25;

  void for_each_seed(const std::function<void()>& program) {
    for (std::uint64_t i = 0; i < seeds_each; ++i) {
      const std::uint64_t seed = GetParam() * seeds_each + i;
      SCOPED_TRACE(::testing::Message() << "seed " << seed);
      sched::run_seeded(seed, program);
    }
  }

  static void rest(clock::duration time) { EXPECT_TRUE(this_fiber::sleep_for(time)); }

  static void join_all(std::vector<fiber>& fibers) {
    for (fiber& f : fibers) EXPECT_TRUE(f.join());
    fibers.clear();
  }
};

TEST_P(schedules, a_mutex_held_across_yields_and_sleeps_excludes) {
  for_each_seed([] {
    mutex guard;
    int inside = 0;
    int passed = 0;
    std::vector<fiber> fibers;
    for (int i = 0; i < 5; ++i)
      fibers.push_back(spawn([&, i] {
                         for (int n = 0; n < 4; ++n) {
                           if (i == 0 && !guard.try_lock_for(3us)) continue;
                           if (i != 0) guard.lock();
                           EXPECT_EQ(++inside, 1);
                           if (n % 2 == 0) this_fiber::yield();
                           if (n == 3) rest(2us);
                           --inside;
                           ++passed;
                           guard.unlock();
                         }
                       }).value());
    join_all(fibers);
    EXPECT_GE(passed, 16);
  });
}

// The deadlines and the releases fall on the same instants, so the seed decides which is first.
TEST_P(schedules, a_semaphore_loses_no_unit_to_deadlines_and_cancels) {
  for_each_seed([] {
    semaphore units(0);
    int taken = 0;
    std::vector<fiber> acquirers;
    for (int i = 0; i < 4; ++i)
      acquirers.push_back(spawn([&, i] {
                            if (units.acquire(std::chrono::microseconds(i))) ++taken;
                          }).value());
    auto stubborn = spawn([&] {
                      if (units.acquire()) ++taken;
                    }).value();
    auto canceller = spawn([&] {
                       EXPECT_TRUE(this_fiber::sleep_for(2us));
                       stubborn.cancel();
                     }).value();
    for (int i = 0; i < 5; ++i) {
      units.release();
      EXPECT_TRUE(this_fiber::sleep_for(1us));
    }
    join_all(acquirers);
    EXPECT_TRUE(canceller.join());
    EXPECT_TRUE(stubborn.join());
    EXPECT_EQ(taken + units.available(), 5);
  });
}

TEST_P(schedules, every_item_goes_through_a_queue_exactly_once) {
  for_each_seed([] {
    mutex guard;
    condition_variable not_empty;
    condition_variable not_full;
    std::deque<int> items;
    std::vector<int> seen(24);
    std::vector<fiber> fibers;
    for (int p = 0; p < 3; ++p) {
      fibers.push_back(spawn([&, p] {
                         for (int i = 0; i < 8; ++i) {
                           std::unique_lock hold(guard);
                           not_full.wait(hold, [&] { return items.size() < 2; });
                           items.push_back(p * 8 + i);
                           not_empty.notify_one();
                         }
                       }).value());
      fibers.push_back(spawn([&] {
                         for (int i = 0; i < 8;) {
                           std::unique_lock hold(guard);
                           if (!not_empty.wait_until(hold, 1us, [&] { return !items.empty(); }))
                             continue;
                           ++seen[static_cast<std::size_t>(items.front())];
                           items.pop_front();
                           ++i;
                           not_full.notify_one();
                         }
                       }).value());
    }
    join_all(fibers);
    for (const int times : seen) EXPECT_EQ(times, 1);
  });
}

TEST_P(schedules, a_latch_and_an_event_let_all_through) {
  for_each_seed([] {
    latch ready(4);
    event go;
    int done = 0;
    std::vector<fiber> fibers;
    for (int i = 0; i < 4; ++i)
      fibers.push_back(spawn([&] {
                         EXPECT_FALSE(go.wait(1us)) << "nobody has set it yet";
                         EXPECT_TRUE(ready.arrive_and_wait());
                         EXPECT_TRUE(go.wait());
                         ++done;
                       }).value());
    EXPECT_TRUE(ready.wait());
    EXPECT_EQ(done, 0);
    go.set();
    join_all(fibers);
    EXPECT_EQ(done, 4);
  });
}

INSTANTIATE_TEST_SUITE_P(seeds, schedules, ::testing::Range<std::uint64_t>(0, 8));

}  // namespace
}  // namespace cede::sync
