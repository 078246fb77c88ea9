#include "measure/compare/turns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cede::measure::compare {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

nlohmann::json report() {
  return {{"messages_in_all", 1000},
          {"seconds_in_all", 0.01},
          {"messages_per_second", 90'000},
          {"client_cpu_us_per_message", 5},
          {"latency_us_buckets", {{10, 900}, {20, 100}}}};
}

turn busy(double rate, double cpu, double server = 0.99) {
  return {
      .messages_per_second = rate, .server_cpu = cpu, .server_busy = server, .client_busy = 0.5};
}

TEST(turns, cpu_time_and_messages_of_a_whole_turn_belong_together) {
  const auto made = turn_from(report(), 8ms);
  ASSERT_TRUE(made) << made.error().line;
  EXPECT_DOUBLE_EQ(made->messages_per_second, 100'000);
  EXPECT_DOUBLE_EQ(made->server_cpu, 8);
  EXPECT_DOUBLE_EQ(made->server_busy, 0.8);
  EXPECT_DOUBLE_EQ(made->client_busy, 0.45);
}

TEST(turns, a_report_that_lacks_something_is_refused) {
  for (const char* name : {"messages_in_all", "seconds_in_all", "latency_us_buckets"}) {
    auto lacking = report();
    lacking.erase(name);
    const auto made = turn_from(lacking, 8ms);
    ASSERT_FALSE(made) << name;
    EXPECT_THAT(made.error().line, HasSubstr(name));
  }
  auto empty = report();
  empty["messages_in_all"] = 0;
  EXPECT_FALSE(turn_from(empty, 8ms));
}

TEST(turns, one_in_which_others_had_the_cpu_does_not_count) {
  std::vector<turn> all{busy(100, 5), busy(40, 5, 0.5), busy(102, 5)};
  mark_disturbed(all);
  EXPECT_THAT(undisturbed(all, &turn::messages_per_second), ElementsAre(100, 102));
}

TEST(turns, a_client_without_time_to_spare_is_no_disturbance) {
  std::vector<turn> all{busy(100, 5), busy(100, 5, 0.8), busy(100, 5)};
  all[1].client_busy = 0.99;
  mark_disturbed(all);
  EXPECT_FALSE(all[1].disturbed);
}

TEST(turns, a_server_that_never_uses_up_a_cpu_is_not_disturbed) {
  std::vector<turn> all{busy(100, 5, 0.3), busy(100, 5, 0.95), busy(100, 5, 0.3)};
  mark_disturbed(all);
  EXPECT_EQ(undisturbed(all, &turn::server_cpu).size(), 3U);
}

TEST(turns, ratios_are_formed_within_a_round_and_not_with_one_that_was_disturbed) {
  std::vector<turn> first{busy(100, 5), busy(50, 10), busy(100, 5)};
  std::vector<turn> other{busy(50, 10), busy(25, 20), busy(50, 10)};
  first[2].disturbed = true;
  relate(other, first);
  EXPECT_EQ(other[0].cpu_ratio, 2);
  EXPECT_EQ(other[1].cpu_ratio, 2);
  EXPECT_EQ(other[1].rate_ratio, 0.5);
  EXPECT_EQ(other[2].cpu_ratio, std::nullopt);
}

TEST(turns, percentiles_are_those_of_all_messages) {
  std::vector<turn> all(2);
  all[0].latencies = {{10, 98}};
  all[1].latencies = {{10, 1}, {500, 1}};
  const latency_sample found = latency_of(all);
  EXPECT_EQ(found.p50, 10);
  EXPECT_EQ(found.p99, 10);
  EXPECT_EQ(found.p999, 500);
}

TEST(turns, the_median_of_an_even_number_is_between_the_middle_two) {
  EXPECT_EQ(median_of({3, 1, 2}), 2);
  EXPECT_EQ(median_of({4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace cede::measure::compare
