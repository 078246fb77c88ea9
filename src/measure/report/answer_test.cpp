#include "measure/report/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/report/test_results.hpp"

namespace cede::measure::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string answer(const results& run, std::size_t which) { return answers(run).at(which).text(); }

TEST(answers, there_are_three_sentences_with_one_full_stop_each) {
  const auto all = answers(test::sample());
  ASSERT_EQ(all.size(), 3U);
  for (const sentence& one : all) {
    EXPECT_EQ(one.text().back(), '.');
    EXPECT_EQ(one.text().find(". "), std::string::npos) << one.text();
  }
}

TEST(answers, an_idle_connection_has_its_cost_as_both_and_the_reason) {
  EXPECT_THAT(answer(test::sample(), 0),
              AllOf(HasSubstr("As an OS thread an idle connection costs 31.1 KiB"),
                    HasSubstr("as a cooperative fiber 4.12 KiB (at 10,000 connections)"),
                    HasSubstr("the thread needs 16.0 KiB of kernel stack, 6.84 KiB of other")));
}

TEST(answers, a_thread_that_costs_less_wins_and_it_is_said) {
  results run = test::sample();
  std::swap(run.kinds[0].at, run.kinds[1].at);
  EXPECT_THAT(answer(run, 0), HasSubstr("the thread wins, for the fiber needs 16.0 KiB of kernel"));
}

TEST(answers, ranges_that_overlap_make_no_winner) {
  results run = test::sample();
  run.kinds[0].at = run.kinds[1].at;
  EXPECT_THAT(answer(run, 0), HasSubstr("within the spread they cost the same"));
}

TEST(answers, a_switch_has_its_cost_as_both_and_with_cold_caches) {
  EXPECT_THAT(answer(test::sample(), 1),
              AllOf(HasSubstr("between fibers costs 2.50 ns (11.0 ns through the scheduler)"),
                    HasSubstr("250 ns, 100 times as much"), HasSubstr("each touches 4.00 MiB")));
}

TEST(answers, cold_caches_that_are_lost_in_the_noise_are_passed_over) {
  results run = test::sample();
  figure& last = run.refill[0].points.back().per_switch;
  last.high = 3 * last.median;
  EXPECT_THAT(answer(run, 1), AllOf(HasSubstr("cold caches"), Not(HasSubstr("touches 4.00 MiB"))));
}

TEST(answers, faster_switches_of_threads_are_said) {
  results run = test::sample();
  std::swap(run.bare[0].switch_one_way, run.bare[1].switch_one_way);
  EXPECT_THAT(answer(run, 1), HasSubstr("here threads win"));
}

TEST(answers, a_hog_starves_fibers_and_threads_win) {
  EXPECT_THAT(answer(test::sample(), 2),
              AllOf(HasSubstr("starves 100 of 100 other connections on its worker"),
                    HasSubstr("leaves the 100 others 80 % of their throughput if they are OS"),
                    HasSubstr("here threads win")));
}

// Between rounds the machine itself may become faster or slower.
TEST(answers, what_a_hog_leaves_is_that_of_its_own_round) {
  results run = test::sample();
  for (subject& kind : run.kinds)
    if (kind.name == "os-thread") {
      kind.hogs.front().messages_before = summarize({100, 150, 150}, "messages/s");
      kind.hogs.front().messages_during = summarize({102, 109, 155}, "messages/s");
      kind.hogs.front().kept = summarize({102, 73, 103}, "%");
    }
  EXPECT_THAT(answer(run, 2), HasSubstr("leaves the 100 others 102 % of their throughput if they"));
}

TEST(answers, preemptive_fibers_join_when_they_were_measured) {
  results run = test::sample();
  run.kinds.push_back({.name = "preemptive", .hogs = {test::hogged(1, 145'000, 0)}});
  EXPECT_THAT(answer(run, 2), AllOf(HasSubstr("97 % of their throughput if they are preemptive"),
                                    Not(HasSubstr("here threads win"))));
}

TEST(answers, what_is_missing_is_said_with_its_reason) {
  results run = test::sample();
  run.kinds[1].missing_because = "no more threads";
  run.bare[0].switch_one_way = missing("no stack");
  EXPECT_THAT(answer(run, 0), HasSubstr("was not measured: no more threads"));
  EXPECT_THAT(answer(run, 1), HasSubstr("was not measured: no stack"));
  for (const sentence& one : answers(results()))
    EXPECT_THAT(one.text(), HasSubstr("was not measured"));
}

TEST(verdict, whoever_is_better_is_named_beyond_the_spread_only) {
  const figure small = summarize({9, 10, 11}, "us");
  const figure large = summarize({19, 20, 21}, "us");
  EXPECT_EQ(verdict(small, large, better::less),
            "Fibers: 10.0 us against threads' 20.0 us, a factor of 2.0.");
  EXPECT_EQ(verdict(small, large, better::more),
            "Threads win: 20.0 us against fibers' 10.0 us, a factor of 2.0.");
  EXPECT_EQ(verdict(small, summarize({10.5}, "us"), better::less),
            "No difference between fibers and threads beyond the spread.");
  EXPECT_EQ(verdict(small, missing("?"), better::less), "");
}

TEST(verdict, the_factor_is_that_of_the_same_moments_where_it_is_known) {
  const figure fiber = exact(10, "us");
  const figure thread = exact(30, "us");
  EXPECT_THAT(verdict(fiber, thread, better::less), HasSubstr("a factor of 3.0"));
  EXPECT_THAT(verdict(fiber, thread, better::less, exact(2.5, "times")),
              HasSubstr("a factor of 2.5"));
  EXPECT_THAT(verdict(thread, fiber, better::more, exact(0.25, "times")),
              HasSubstr("a factor of 4.0"));
}

}  // namespace
}  // namespace cede::measure::report
