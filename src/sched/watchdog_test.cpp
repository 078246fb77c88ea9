#include "sched/watchdog.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cede/log.hpp>
#include <cede/this_fiber.hpp>
#include <mutex>
#include <string>
#include <vector>

#include "base/sanitizers.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;

// What the watchdog has said, and a word that hogs look at.
struct reports {
  std::mutex lock;
  std::vector<hog_report> all;
  std::atomic<std::size_t> count{0};

  std::function<void(const hog_report&)> listener() {
    return [this](const hog_report& hog) {
      const std::lock_guard hold(lock);
      all.push_back(hog);
      ++count;
    };
  }
};

void run_watched(watchdog_options how, unsigned workers, std::function<void()> f) {
  auto made =
      scheduler::create({.workers = workers,
                         .make_policy = [](unsigned) { return std::make_unique<fifo_policy>(); },
                         .make_poller = [](worker&) -> result<std::unique_ptr<poller>> {
                           return std::make_unique<futex_poller>();
                         },
                         .watchdog = std::move(how)});
  run_in(*made.value(), std::move(f));
}

[[gnu::noinline]] void planted_hog(const reports& seen, std::size_t until) {
  while (seen.count.load() < until) {
  }
}

TEST(watchdog, names_a_hog_its_worker_and_who_waits_and_shows_where_it_is) {
  reports seen;
  run_watched({.threshold = 20ms, .on_hog = seen.listener()}, 1, [&] {
    std::vector<cede::fiber> fibers;
    for (int i = 0; i < 3; ++i) fibers.push_back(spawn([] {}).value());
    auto hog = spawn({.name = "glutton"}, [&] { planted_hog(seen, 1); }).value();
    fibers.push_back(spawn([] {}).value());
    for (auto& f : fibers) EXPECT_TRUE(f.join());
    EXPECT_TRUE(hog.join());
  });
  ASSERT_EQ(seen.all.size(), 1u) << "once for each stretch";
  const hog_report& hog = seen.all.front();
  EXPECT_EQ(hog.fiber, "fiber 'glutton'");
  EXPECT_EQ(hog.worker, 0u);
  EXPECT_GE(hog.kept, 20ms);
  EXPECT_EQ(hog.blocked_in, "");
#if !CEDE_TSAN                 // it runs the handler that looks when the spin is over
  EXPECT_EQ(hog.waiting, 2u);  // the last one, and the first fiber, as others have ended
  EXPECT_NE(hog.backtrace.find("planted_hog"), std::string::npos) << hog.backtrace;
#endif
}

TEST(watchdog, reports_each_stretch_once_and_not_more_often_than_told) {
  reports seen;
  run_watched({.threshold = 5ms, .on_hog = seen.listener(), .between_reports = 0ms}, 1, [&] {
    for (std::size_t i = 1; i <= 3; ++i) {
      planted_hog(seen, i);
      this_fiber::yield();
    }
  });
  EXPECT_EQ(seen.count, 3u);

  reports few;
  run_watched({.threshold = 5ms, .on_hog = few.listener(), .between_reports = 1h}, 1, [&] {
    planted_hog(few, 1);
    for (int i = 0; i < 3; ++i) {
      this_fiber::yield();
      const auto end = clock::now() + 30ms;
      while (clock::now() < end) {
      }
    }
  });
  EXPECT_EQ(few.count, 1u);
}

TEST(watchdog, names_the_system_call_of_one_that_blocks_and_does_not_disturb_it) {
  reports seen;
  int interrupted = -1;
  run_watched({.threshold = 20ms, .on_hog = seen.listener()}, 1, [&] {
    auto sleeper = spawn({.name = "sleeper"}, [&] {
                     constexpr timespec time{.tv_sec = 0, .tv_nsec = 300'000'000};
                     interrupted = ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
                   }).value();
    EXPECT_TRUE(sleeper.join());
  });
  EXPECT_EQ(interrupted, 0);
  ASSERT_EQ(seen.all.size(), 1u);
  EXPECT_EQ(seen.all.front().fiber, "fiber 'sleeper'");
  EXPECT_EQ(seen.all.front().blocked_in, "clock_nanosleep");
}

TEST(watchdog, says_nothing_about_who_gives_way_or_sleeps) {
  reports seen;
  run_watched({.threshold = 60ms, .on_hog = seen.listener()}, 2, [&] {
    auto polite = spawn([] {
                    const auto end = clock::now() + 200ms;
                    while (clock::now() < end) this_fiber::yield();
                  }).value();
    EXPECT_TRUE(this_fiber::sleep_for(200ms));
    EXPECT_TRUE(polite.join());
  });
  EXPECT_EQ(seen.count, 0u);
}

TEST(watchdog, finds_a_hog_after_everything_has_slept) {
  reports seen;
  run_watched({.threshold = 10ms, .on_hog = seen.listener()}, 2, [&] {
    EXPECT_TRUE(this_fiber::sleep_for(100ms));
    planted_hog(seen, 1);
  });
  EXPECT_EQ(seen.count, 1u);
}

std::mutex logged_lock;
std::string logged;

TEST(watchdog, writes_to_the_log) {
  const log_sink before = set_log_sink([](log_level, std::string_view line) {
    const std::lock_guard hold(logged_lock);
    logged += std::string(line) + "\n";
  });
  reports seen;
  run_watched({.threshold = 20ms, .on_hog = seen.listener()}, 1, [&] {
    auto hog = spawn({.name = "glutton"}, [&] { planted_hog(seen, 1); }).value();
    EXPECT_TRUE(hog.join());
  });
  set_log_sink(before);
  const std::lock_guard hold(logged_lock);
  EXPECT_NE(logged.find("fiber 'glutton' has kept worker 0 for "), std::string::npos) << logged;
#if !CEDE_TSAN
  EXPECT_NE(logged.find("\n  #0 "), std::string::npos) << logged;
#endif
}

TEST(watchdog, off_starts_no_thread) {
  run_watched({}, 1, [] { EXPECT_FALSE(worker::current()->owner().watching()->has_watchdog()); });
}

}  // namespace
}  // namespace cede::sched
