#include "measure/compare/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace cede::measure::compare {
namespace {

const effort usual = make_effort({1000, 10000}, 0.6, 3);

TEST(Plan, everybody_does_everything_once_a_round) {
  const auto trials = plan_trials(usual, 4);
  const std::size_t under_load = 3U * 2;  // all together
  EXPECT_EQ(trials.size(), 3U * 4 * (2 + 3 + 1) + under_load);
  for (auto it = trials.begin(); it != trials.end(); ++it)
    EXPECT_EQ(std::find(it + 1, trials.end(), *it), trials.end());
}

TEST(Plan, all_contestants_take_their_turns_before_the_next_experiment) {
  auto trials = plan_trials(usual, 3);
  std::erase_if(trials, [](const trial& one) { return one.what == experiment::load; });
  for (std::size_t at = 0; at < trials.size(); at += 3)
    for (std::size_t turn = 1; turn < 3; ++turn) {
      EXPECT_EQ(trials[at + turn].what, trials[at].what);
      EXPECT_EQ(trials[at + turn].connections, trials[at].connections);
      EXPECT_EQ(trials[at + turn].round, trials[at].round);
    }
}

TEST(Plan, all_are_under_load_in_one_trial) {
  for (const trial& one : plan_trials(usual, 3))
    EXPECT_EQ(one.together, one.what == experiment::load ? 3U : 1U);
  const trial load{.what = experiment::load, .together = 1, .connections = 1000};
  trial twice = load;
  twice.together = 2;
  EXPECT_DOUBLE_EQ(expected_seconds(twice, usual), 2 * expected_seconds(load, usual));
}

TEST(Plan, turns_are_short_and_many_and_each_connection_has_its_answer_in_the_lead_in) {
  for (const std::uint64_t connections : {1000U, 10'000U}) {
    const load_shape shape = shape_of(usual, connections);
    EXPECT_GE(shape.turns, 5U);
    EXPECT_LE(shape.duration.count(), 200);
    EXPECT_GE(shape.lead_in, std::chrono::microseconds(20) * connections);
  }
  EXPECT_GT(shape_of(usual, 1000).turns, shape_of(usual, 10'000).turns);
}

TEST(Plan, who_is_preempted_is_measured_at_each_slice_too) {
  const auto trials = plan_trials(usual, 3, {1});
  std::map<std::chrono::microseconds, int> slices;
  for (const trial& one : trials)
    if (one.what == experiment::slices) {
      EXPECT_EQ(one.contestant, 1U);
      ++slices[one.slice];
    }
  EXPECT_EQ(slices.size(), 6U);
  for (const auto& [slice, times] : slices) EXPECT_EQ(times, 3) << slice.count();
}

TEST(Plan, hogs_can_have_fewer_rounds_than_the_rest) {
  effort how = usual;
  how.hog_rounds = 1;
  for (const trial& one : plan_trials(how, 2, {0})) {
    const bool with_hogs = one.what == experiment::hogs || one.what == experiment::slices;
    EXPECT_TRUE(!with_hogs || one.round == 0);
  }
  const auto rounds = [&how](experiment what) {
    return std::ranges::count(plan_trials(how, 1, {0}), what, &trial::what);
  };
  EXPECT_EQ(rounds(experiment::hogs), 3);
  EXPECT_EQ(rounds(experiment::churn), 3);
}

TEST(Plan, one_hog_comes_before_several_and_several_take_longer) {
  unsigned last = 0;
  for (const trial& one : plan_trials(usual, 1))
    if (one.what == experiment::hogs) {
      EXPECT_TRUE(last == 0 ? one.hogs == 1 : one.hogs > last || one.hogs == 1);
      last = one.hogs;
    }
  EXPECT_EQ(last, 10U);
  EXPECT_GT(hogs_of(usual, 10).during, hogs_of(usual, 1).during);
}

TEST(Plan, most_of_the_time_with_hogs_is_measured_and_some_is_in_any_case) {
  const effort shortest = make_effort({10}, least_seconds, 1);
  for (const unsigned hogs : {1U, 2U, 10U}) {
    EXPECT_LT(4 * hogs_of(usual, hogs).settle, hogs_of(usual, hogs).during);
    EXPECT_GE(hogs_of(shortest, hogs).during.count(), hogs_of(shortest, hogs).settle.count() + 50);
  }
  for (const auto slice : usual.slices)
    EXPECT_GT(slice_of(usual, slice).during - slice_of(usual, slice).settle, 5 * slice);
}

TEST(Plan, hogs_that_run_one_after_another_share_the_time) {
  const hog_shape shape = hogs_of(usual, 10);
  EXPECT_EQ(shape.each(false), shape.during);
  EXPECT_EQ(shape.each(true), shape.during / 10);
  EXPECT_FALSE(one_after_another({}, 100));
  EXPECT_FALSE(one_after_another({{.starved = 100}, {.starved = 0}}, 100));
  EXPECT_TRUE(one_after_another({{.starved = 0}, {.starved = 99}}, 100));
}

TEST(Plan, another_one_begins_each_round) {
  std::map<unsigned, std::size_t> first;
  for (const trial& one : plan_trials(usual, 3)) first.try_emplace(one.round, one.contestant);
  EXPECT_EQ(first, (std::map<unsigned, std::size_t>{{0, 0}, {1, 1}, {2, 2}}));
}

TEST(Plan, nobody_means_nothing_to_do) { EXPECT_TRUE(plan_trials(usual, 0).empty()); }

TEST(Plan, the_shortest_measurement_still_measures) {
  const effort how = make_effort({10}, least_seconds, 1);
  EXPECT_GT(how.duration.count(), 0);
  EXPECT_GE(shape_of(how, 10).turns, 2U);
  EXPECT_GE(shape_of(how, 10).paced_duration.count(), 20);
  EXPECT_GT(how.hogs.before.count(), 0);
  EXPECT_GE(how.hogs.during.count(), 100);
  EXPECT_GE(how.churn.storms, 1U);
}

TEST(Plan, the_usual_run_with_four_kinds_is_expected_to_take_less_than_170_seconds) {
  double sum = 0;
  for (const trial& one : plan_trials(usual, 4, {1})) sum += expected_seconds(one, usual);
  EXPECT_GT(sum, 60);
  EXPECT_LT(sum, 160);
}

}  // namespace
}  // namespace cede::measure::compare
