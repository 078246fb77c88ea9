#include "measure/compare/assemble.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

load_sample load(double rate, double client_busy = 0.5, double server_busy = 0.99) {
  return {.turns = {{.messages_per_second = rate,
                     .server_cpu = 7,
                     .server_busy = server_busy,
                     .client_busy = client_busy,
                     .rate_ratio = 0.5,
                     .cpu_ratio = 2}},
          .latency = {.p50 = 10, .p99 = 20, .p999 = 30},
          .fiber_switches = 1.0};
}

findings usual() {
  findings found{.who = {.name = "cooperative", .title = "cooperative fibers"}};
  point_samples& point = found.samples.at[1000];
  for (const double user : {4600.0, 4500.0, 4700.0}) {
    point.idle.push_back({.user = user, .slab = 200, .socket = 3700});
    point.after_messages.push_back({.user = user});
    point.closed.push_back(load(user * 10));
    point.paced.push_back({.wanted_rate = 10000, .achieved_rate = 9990, .latency = {1, 2, 3}});
  }
  found.samples.churn = {100, 300, 200};
  for (const unsigned hogs : {1U, 10U})
    found.samples.hogs[hogs] = {{.messages_before = 10, .messages_during = 9, .p99_during = 4},
                                {.messages_before = 20, .messages_during = 8, .p99_during = 6},
                                {.messages_before = 1, .messages_during = 1, .p99_during = 5}};
  return found;
}

const effort how{.connections = {1000, 10000}};

TEST(Assemble, samples_become_a_median_with_its_range) {
  const report::subject subject = subject_of(usual(), how);
  ASSERT_EQ(subject.at.size(), 1U);
  const report::load_point& point = subject.at.front();
  EXPECT_DOUBLE_EQ(point.idle.user.median, 4600);
  EXPECT_DOUBLE_EQ(point.idle.user.low, 4500);
  EXPECT_DOUBLE_EQ(point.idle.user.high, 4700);
  EXPECT_DOUBLE_EQ(point.idle.total.median, 4600 + 200 + 3700);
  EXPECT_DOUBLE_EQ(point.latency_p99.median, 20);
  EXPECT_DOUBLE_EQ(point.user_switches.median, 1);
  EXPECT_DOUBLE_EQ(point.paced_p50.median, 1);
  EXPECT_DOUBLE_EQ(subject.churn.median, 200);
}

TEST(Assemble, samples_of_turns_are_their_rounds_and_the_median_is_that_of_all) {
  findings found = usual();
  auto& rounds = found.samples.at[1000].closed;
  rounds[0].turns = {{.server_cpu = 5}, {.server_cpu = 6}, {.server_cpu = 7}};
  rounds[1].turns = {{.server_cpu = 5}, {.server_cpu = 5}, {.server_cpu = 8}};
  rounds[2].turns = {{.server_cpu = 9}, {.server_cpu = 50, .disturbed = true}};
  const report::load_point point = subject_of(found, how).at.front();
  EXPECT_EQ(point.server_cpu.samples, (std::vector<double>{6, 5, 9}));
  EXPECT_EQ(point.server_cpu.median, 6);
  EXPECT_EQ(point.server_cpu.high, 9);
  ASSERT_EQ(point.turns.size(), 8U);
  EXPECT_EQ(point.turns[3].round, 1U);
  EXPECT_TRUE(point.turns[7].disturbed);
  EXPECT_THAT(warnings_about(found), IsEmpty());
  for (turn& one : rounds[0].turns) one.disturbed = true;
  EXPECT_THAT(warnings_about(found).front().text, HasSubstr("in 4 of 8 turns of 'cooperative'"));
}

TEST(Assemble, ratios_are_those_of_turns_that_have_one) {
  findings found = usual();
  auto& rounds = found.samples.at[1000].closed;
  rounds[0].turns.push_back({});
  const report::load_point point = subject_of(found, how).at.front();
  EXPECT_EQ(point.cpu_ratio.samples, (std::vector<double>{2, 2, 2}));
  EXPECT_EQ(point.rate_ratio.median, 0.5);
  for (load_sample& one : rounds)
    for (turn& each : one.turns) each.cpu_ratio.reset();
  EXPECT_EQ(subject_of(found, how).at.front().cpu_ratio.missing_because,
            "not measured beside the first");
}

TEST(Assemble, what_is_kept_beside_hogs_is_a_part_of_the_same_rounds_before) {
  const report::subject subject = subject_of(usual(), how);
  ASSERT_EQ(subject.hogs.size(), 2U);
  const report::hog_outcome& ten = subject.hogs.back();
  EXPECT_EQ(ten.hogs, 10U);
  EXPECT_EQ(ten.kept.samples, (std::vector<double>{90, 40, 100}));
  EXPECT_EQ(ten.kept.unit, "%");
  EXPECT_DOUBLE_EQ(ten.p99_during.median, 5);
}

TEST(Assemble, slices_are_in_order_of_their_length) {
  using namespace std::chrono_literals;
  findings found = usual();
  found.samples.slices[10ms] = {{.units = 3, .p50 = 1, .p99 = 9, .preemptions = 100}};
  found.samples.slices[500us] = {{.units = 2, .p50 = 1, .p99 = 2, .preemptions = 2000}};
  const report::subject subject = subject_of(found, how);
  ASSERT_EQ(subject.slices.size(), 2U);
  EXPECT_DOUBLE_EQ(subject.slices.front().slice, 500);
  EXPECT_DOUBLE_EQ(subject.slices.front().preemptions_per_second.median, 2000);
  EXPECT_DOUBLE_EQ(subject.slices.back().latency_p99.median, 9);
}

TEST(Assemble, one_that_cannot_run_says_why) {
  findings found{.who = {.name = "os-thread-fifo"}, .missing_because = "not permitted"};
  const report::subject subject = subject_of(found, how);
  EXPECT_EQ(subject.missing_because, "not permitted");
  EXPECT_EQ(subject.churn.missing_because, "not permitted");
  EXPECT_THAT(subject.at, IsEmpty());
}

TEST(Assemble, a_number_of_connections_that_is_too_large_says_why_in_every_figure) {
  findings found = usual();
  found.missing_at[10000] = "too many threads";
  const report::subject subject = subject_of(found, how);
  ASSERT_EQ(subject.at.size(), 2U);
  EXPECT_TRUE(subject.at[0].server_cpu.available());
  EXPECT_EQ(subject.at[1].server_cpu.missing_because, "too many threads");
  EXPECT_EQ(subject.at[1].idle.total.missing_because, "too many threads");
  EXPECT_EQ(subject.at[1].paced_p999.missing_because, "too many threads");
}

TEST(Assemble, one_connection_has_no_growth) {
  findings found = usual();
  found.samples.at[1] = found.samples.at[1000];
  const report::subject subject = subject_of(found, effort{.connections = {1}});
  EXPECT_FALSE(subject.at.front().idle.user.available());
  EXPECT_TRUE(subject.at.front().server_cpu.available());
}

TEST(Assemble, a_server_that_does_not_count_its_switches_has_no_zero) {
  findings found = usual();
  for (load_sample& one : found.samples.at[1000].closed) one.fiber_switches.reset();
  EXPECT_FALSE(subject_of(found, how).at.front().user_switches.available());
}

TEST(Assemble, latencies_of_an_open_loop_that_fell_behind_are_not_shown) {
  findings found = usual();
  found.samples.at[1000].paced.back().achieved_rate = 5000;
  const report::load_point point = subject_of(found, how).at.front();
  EXPECT_FALSE(point.paced_p99.available());
  EXPECT_TRUE(point.paced_rate.available());
  EXPECT_THAT(warnings_about(found).front().text, HasSubstr("does not keep up with 10000"));
}

TEST(Assemble, a_client_without_time_to_spare_is_told_of_only_if_the_server_has_some) {
  EXPECT_THAT(warnings_about(usual()), IsEmpty());
  findings found = usual();
  found.samples.at[1000].closed = {load(1, 0.99, 0.98)};
  EXPECT_THAT(warnings_about(found), IsEmpty());
  found.samples.at[1000].closed = {load(1, 0.99, 0.6)};
  ASSERT_EQ(warnings_about(found).size(), 1U);
  EXPECT_EQ(warnings_about(found).front().about, "client");
  EXPECT_THAT(warnings_about(found).front().text, HasSubstr("the server 60 %"));
}

}  // namespace
}  // namespace cede::measure::compare
