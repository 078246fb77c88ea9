#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "measure/bare/cede_costs.hpp"
#include "measure/bare/cede_pair.hpp"
#include "measure/bare/refill.hpp"
#include "measure/bare/sampler.hpp"
#include "measure/bare/thread_costs.hpp"
#include "measure/bare/working_set.hpp"

namespace cede::measure::bare {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t rounds = 40;

// Not permitted and one CPU only are answers, and the kernel may let a thread that yields go on;
// everything else must be a time and a count.
void expect_valid(const attempt& taken, std::uint64_t least_operations) {
  if (!taken) {
    EXPECT_TRUE(taken.error().contains("not permitted") || taken.error().contains("one CPU only") ||
                taken.error().contains("a yield does not make"))
        << taken.error();
    return;
  }
  EXPECT_TRUE(std::isfinite(taken->each()));
  EXPECT_GT(taken->each(), 0);
  EXPECT_GE(taken->operations, least_operations);
}

TEST(bare_costs, every_kind_of_cede_gives_a_time_for_each_operation) {
  const cpu_pair cpus = usable_pair();
  for (const cede_kind& one : cede_kinds()) {
    SCOPED_TRACE(one.name);
    if (one.what == kind::preemptive && obstacle_to_preemptive() != nullptr) {
      EXPECT_FALSE(yield_between(one, cpus.first, rounds));
      EXPECT_FALSE(spawn_and_join(one, cpus.first, 1, rounds));
      continue;
    }
    expect_valid(yield_between(one, cpus.first, rounds), rounds / 16);
    expect_valid(spawn_and_join(one, cpus.first, 1, rounds), rounds);
    expect_valid(spawn_and_join(one, cpus.first, 8, 4), 32);
    expect_valid(wake_between(one, {cpus.first, cpus.first}, rounds), 2 * rounds);
    expect_valid(wake_between(one, cpus, rounds), 2 * rounds);
  }
  expect_valid(switch_between_fibers(cpus.first, rounds), 2 * rounds);
  if (obstacle_to_preemptive() == nullptr)
    expect_valid(switch_with_own_tls(cpus.first, rounds), 2 * rounds);
  else
    EXPECT_FALSE(switch_with_own_tls(cpus.first, rounds));
}

TEST(bare_costs, a_fiber_that_yields_always_makes_the_other_one_run) {
  const auto taken = yield_between(cede_kinds().front(), usable_pair().first, rounds);
  ASSERT_TRUE(taken) << taken.error();
  EXPECT_GE(taken->operations, 2 * rounds - 2);
}

TEST(bare_costs, plain_threads_give_a_time_for_each_operation) {
  const cpu_pair cpus = usable_pair();
  for (const thread_kind& one : thread_kinds()) {
    SCOPED_TRACE(one.name);
    expect_valid(switch_between_threads(one, cpus.first, rounds), 2 * rounds);
    expect_valid(yield_between_threads(one, cpus.first, rounds), rounds / 16);
    expect_valid(create_and_join(one, cpus.first, 1, rounds), rounds);
    expect_valid(create_and_join(one, cpus.first, 8, 4), 32);
    expect_valid(wake_between_threads(one, {cpus.first, cpus.first}, rounds), 2 * rounds);
    expect_valid(wake_between_threads(one, cpus, rounds), 2 * rounds);
  }
}

TEST(bare_costs, the_kinds_have_names_of_their_own) {
  std::set<std::string> names;
  for (const cede_kind& one : cede_kinds()) EXPECT_TRUE(names.insert(one.name).second) << one.name;
  for (const thread_kind& one : thread_kinds())
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
  EXPECT_TRUE(names.contains("cooperative") && names.contains("os-thread"));
}

TEST(bare_costs, one_cpu_is_no_place_to_wake_another_on) {
  const int cpu = usable_pair().first;
  bool ran = false;
  const two_sides sides{.left = [&] { ran = true; }, .right = [&] { ran = true; }};
  EXPECT_FALSE(run_on_two_cpus(cede_kinds().front(), {cpu, cpu}, sides));
  EXPECT_FALSE(ran);
}

TEST(sampler, a_figure_has_a_sample_of_each_turn) {
  report::figure filled;
  const std::vector<cost> costs{
      {&filled, [](std::uint64_t n) -> attempt { return timing{10ns * static_cast<int>(n), n}; }}};
  take_all(costs, {.repeats = 5, .least = 1us});
  ASSERT_TRUE(filled.available());
  EXPECT_EQ(filled.samples, std::vector<double>(5, 10.0));
  EXPECT_EQ(filled.unit, "ns");
}

TEST(sampler, short_operations_are_done_more_often) {
  const auto enough = enough_rounds(
      [](std::uint64_t n) -> attempt { return timing{1ns * static_cast<int>(n), n}; }, 100us);
  ASSERT_TRUE(enough);
  EXPECT_GE(*enough, 100'000U);
  EXPECT_LT(*enough, 10'000'000U);
}

TEST(sampler, an_obstacle_becomes_a_missing_figure_and_hinders_no_other) {
  report::figure missing;
  report::figure late;
  report::figure filled;
  int calls = 0;
  const std::vector<cost> costs{
      {&missing, [](std::uint64_t) -> attempt { return std::unexpected("not here"); }},
      {&late,
       [&](std::uint64_t n) -> attempt {
         if (++calls > 2) return std::unexpected("no longer");
         return timing{1ms, n};
       }},
      {&filled, [](std::uint64_t n) -> attempt { return timing{1ms, n}; }}};
  take_all(costs, {.repeats = 3, .least = 1us});
  EXPECT_EQ(missing.missing_because, "not here");
  EXPECT_EQ(late.missing_because, "no longer");
  EXPECT_TRUE(filled.available());
}

TEST(sampler, a_wrong_count_is_no_time) {
  EXPECT_NO_THROW(require_count("turns", 3, 3));
  EXPECT_THROW(require_count("turns", 2, 3), wrong_answer);
}

TEST(working_set, a_touch_writes_every_line_once) {
  working_set set(64 * 1024);
  for (const std::size_t bytes : {std::size_t{128}, std::size_t{4096}, std::size_t{64 * 1024}}) {
    set.resize(bytes);
    EXPECT_TRUE(set.written_exactly(0));
    set.touch();
    set.touch();
    EXPECT_TRUE(set.written_exactly(2));
    EXPECT_FALSE(set.written_exactly(1));
  }
}

TEST(refill, each_curve_has_a_point_for_each_size_or_a_reason) {
  const refill_plan plan{.working_sets = {4096, 16'384}, .how = {.repeats = 2, .least = 100us}};
  const auto curves = measure_refill(plan, usable_pair().first);
  ASSERT_GE(curves.size(), 3U);
  for (const report::refill_curve& one : curves) {
    SCOPED_TRACE(one.name);
    if (one.missing_because) continue;
    ASSERT_EQ(one.points.size(), 2U);
    for (const report::refill_point& at : one.points) {
      EXPECT_TRUE(at.touch.available());
      EXPECT_GT(at.touch.median, 0);
      if (at.per_switch.available())
        EXPECT_GT(at.per_switch.median, 0);
      else
        EXPECT_TRUE(at.per_switch.missing_because->contains("noise"));
    }
  }
  EXPECT_FALSE(curves.front().missing_because);
}

}  // namespace
}  // namespace cede::measure::bare
