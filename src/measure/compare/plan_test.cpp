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
  EXPECT_EQ(trials.size(), 3U * 4 * (2 + 2 + 1 + 1));
  for (auto it = trials.begin(); it != trials.end(); ++it)
    EXPECT_EQ(std::find(it + 1, trials.end(), *it), trials.end());
}

TEST(Plan, all_contestants_take_their_turns_before_the_next_experiment) {
  const auto trials = plan_trials(usual, 3);
  for (std::size_t at = 0; at < trials.size(); at += 3)
    for (std::size_t turn = 1; turn < 3; ++turn) {
      EXPECT_EQ(trials[at + turn].what, trials[at].what);
      EXPECT_EQ(trials[at + turn].connections, trials[at].connections);
      EXPECT_EQ(trials[at + turn].round, trials[at].round);
    }
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
  EXPECT_GT(how.hogs.before.count(), 0);
  EXPECT_GE(how.hogs.during.count(), 100);
  EXPECT_GE(how.churn.storms, 1U);
}

TEST(Plan, the_usual_run_with_four_kinds_is_expected_to_take_less_than_160_seconds) {
  double sum = 0;
  for (const trial& one : plan_trials(usual, 4)) sum += expected_seconds(one, usual);
  EXPECT_GT(sum, 60);
  EXPECT_LT(sum, 150);
}

}  // namespace
}  // namespace cede::measure::compare
