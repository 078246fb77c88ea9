// What a scope promises: it joins all, frees at once, passes cancels and deadlines down, and loses
// no failure.
#include <gtest/gtest.h>

#include <atomic>
#include <cede/log.hpp>
#include <cede/scope.hpp>
#include <cede/this_fiber.hpp>
#include <stdexcept>
#include <thread>

#include "sched/fiber_slab.hpp"
#include "sched/test_scheduler.hpp"

namespace cede {
namespace {

using namespace std::chrono_literals;
using sched::run_fifo;
using sched::run_seeded;

TEST(scope, joins_all_that_was_spawned_in_it) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    int ended = 0;
    run_seeded(seed, [&] {
      {
        scope s;
        for (int i = 0; i < 10; ++i)
          s.spawn([&ended, i] {
            EXPECT_TRUE(this_fiber::sleep_for(std::chrono::seconds(i % 3)));
            ++ended;
          });
      }
      EXPECT_EQ(ended, 10);
    });
  }
}

TEST(scope, frees_finished_children_at_once) {
  run_fifo([] {
    scope s;
    const std::size_t before = sched::all_fibers().live();
    for (int i = 0; i < 100; ++i) s.spawn([] {});
    while (s.size() != 0) this_fiber::yield();
    EXPECT_EQ(sched::all_fibers().live(), before);
  });
}

TEST(scope, a_cancel_of_its_owner_reaches_children_and_grandchildren) {
  run_seeded(2, [] {
    int cancelled = 0;
    auto owner = spawn([&] {
                   scope outer;
                   outer.spawn([&] {
                     scope inner;
                     inner.spawn([&] {
                       EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled);
                       ++cancelled;
                     });
                   });
                   outer.spawn([&] {
                     EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled);
                     ++cancelled;
                   });
                 }).value();
    EXPECT_TRUE(this_fiber::sleep_for(1s));
    owner.cancel();
    EXPECT_TRUE(owner.join());
    EXPECT_EQ(cancelled, 2);
  });
}

TEST(scope, a_child_of_a_cancelled_scope_is_born_cancelled) {
  run_fifo([] {
    scope s;
    s.cancel();
    bool waited = true;
    s.spawn([&] { waited = this_fiber::sleep_for(1h).has_value(); });
    EXPECT_TRUE(s.join());
    EXPECT_FALSE(waited);
  });
}

TEST(scope, one_failure_cancels_the_others_and_join_delivers_it) {
  run_seeded(3, [] {
    scope s;
    bool other_cancelled = false;
    s.spawn([&] { other_cancelled = !this_fiber::sleep_for(1h); });
    s.spawn([]() -> result<> {
      EXPECT_TRUE(this_fiber::sleep_for(1s));
      return failure(errc::end_of_stream);
    });
    EXPECT_EQ(s.join().error(), errc::end_of_stream);
    EXPECT_TRUE(other_cancelled);
    EXPECT_EQ(s.failures(), 1u);
  });
}

TEST(scope, an_exception_of_a_child_comes_out_of_join) {
  run_fifo([] {
    scope s;
    s.spawn([] { throw std::runtime_error("llama"); });
    EXPECT_THROW(static_cast<void>(s.join()), std::runtime_error);
  });
}

TEST(scope, contained_failures_leave_the_others_alone_and_are_logged) {
  static std::atomic<int> warnings{0};
  const log_sink before = set_log_sink([](log_level level, std::string_view line) {
    if (level == log_level::warning && line.find("'bad' failed: oops") != line.npos) ++warnings;
  });
  run_seeded(4, [] {
    scope s(on_failure::contain);
    bool finished = false;
    s.spawn([&] { finished = this_fiber::sleep_for(1h).has_value(); });
    s.spawn({.name = "bad"}, [] { throw std::runtime_error("oops"); });
    EXPECT_TRUE(s.join());
    EXPECT_TRUE(finished);
    EXPECT_EQ(s.failures(), 1u);
  });
  set_log_sink(before);
  EXPECT_EQ(warnings, 1);
}

TEST(scope, an_exception_in_its_owner_cancels_the_children) {
  run_seeded(5, [] {
    bool cancelled = false;
    try {
      scope s;
      s.spawn([&] { cancelled = !this_fiber::sleep_for(1h); });
      this_fiber::yield();
      throw std::runtime_error("owner");
    } catch (const std::runtime_error&) {
    }
    EXPECT_TRUE(cancelled);
  });
}

TEST(scope, deadlines_nest_and_the_earliest_counts) {
  run_seeded(6, [] {
    const auto start = clock::now();
    scope outer({.until = 5s});
    {
      scope inner({.until = 60s});
      inner.spawn([&] {
        EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::deadline_exceeded);
        EXPECT_EQ(clock::now(), start + 5s);
      });
      EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::deadline_exceeded);
    }
    EXPECT_EQ(clock::now(), start + 5s);
  });
}

TEST(scope, the_owners_own_deadline_comes_back_at_its_end) {
  run_seeded(7, [] {
    {
      const scope s({.until = 1s});
    }
    EXPECT_TRUE(this_fiber::sleep_for(10s));
  });
}

TEST(scope, join_obeys_a_cancel_of_the_caller_and_the_children_go_on) {
  run_seeded(8, [] {
    bool child_done = false;
    auto owner = spawn([&] {
                   scope s;
                   s.spawn([&] { child_done = this_fiber::sleep_for(10s).has_value(); });
                   EXPECT_EQ(s.join(1s).error(), errc::deadline_exceeded);
                   EXPECT_FALSE(child_done);
                 }).value();
    EXPECT_TRUE(owner.join());
    EXPECT_TRUE(child_done);
  });
}

TEST(scope, a_child_handle_joins_and_cancels_one_of_many) {
  run_seeded(9, [] {
    scope s;
    auto first = s.spawn([] { EXPECT_FALSE(this_fiber::sleep_for(1h)); }).value();
    auto second = s.spawn([] { EXPECT_TRUE(this_fiber::sleep_for(1s)); }).value();
    EXPECT_NE(first.id(), second.id());
    first.cancel();
    EXPECT_TRUE(first.join());
    EXPECT_EQ(s.size(), 1u);
    EXPECT_TRUE(second.join());
  });
}

TEST(scope, holds_os_threads_and_cancels_them_too) {
  run_fifo([] {
    scope s;
    std::atomic<int> cancelled{0};
    for (int i = 0; i < 4; ++i)
      s.spawn(os_thread, [&] {
        if (this_fiber::sleep_for(1h).error() == errc::cancelled) ++cancelled;
      });
    s.cancel();
    EXPECT_TRUE(s.join());
    EXPECT_EQ(cancelled, 4);
  });
}

TEST(scope, children_spawn_siblings_from_other_workers) {
  std::atomic<int> ran{0};
  run_fifo(
      [&] {
        scope s;
        for (int i = 0; i < 20; ++i)
          s.spawn([&] {
            for (int j = 0; j < 20; ++j) s.spawn([&] { ++ran; });
          });
        EXPECT_TRUE(s.join());
        EXPECT_EQ(s.size(), 0u);
      },
      2);
  EXPECT_EQ(ran, 400);
}

TEST(scope, cancels_race_with_endings_of_children) {
  run_fifo(
      [] {
        for (int round = 0; round < 300; ++round) {
          scope s;
          for (int i = 0; i < 8; ++i)
            s.spawn([] {
              while (!this_fiber::cancelled()) this_fiber::yield();
            });
          s.spawn([&] { s.cancel(); });
          ASSERT_TRUE(s.join());
        }
      },
      2);
}

}  // namespace
}  // namespace cede
