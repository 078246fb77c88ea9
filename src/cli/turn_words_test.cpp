#include "cli/turn_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cede::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const measure::load::echo_plan usual{.warm_up = 20ms, .duration = 150ms};

std::string error_of(const std::string& line) {
  const auto plan = plan_of_turn(line, usual);
  return plan ? "it was read" : plan.error().line;
}

TEST(turn_words, an_empty_line_asks_for_what_is_usual) {
  const auto plan = plan_of_turn("", usual);
  ASSERT_TRUE(plan) << plan.error().line;
  EXPECT_EQ(plan->warm_up, 20ms);
  EXPECT_EQ(plan->duration, 150ms);
  EXPECT_EQ(plan->rate, 0);
}

TEST(turn_words, a_line_changes_what_it_names) {
  const auto plan = plan_of_turn(" --rate 10000/s  --duration=3s", usual);
  ASSERT_TRUE(plan) << plan.error().line;
  EXPECT_EQ(plan->warm_up, 20ms);
  EXPECT_EQ(plan->duration, 3s);
  EXPECT_EQ(plan->rate, 10000);
}

TEST(turn_words, what_cannot_be_meant_is_refused_with_the_line) {
  EXPECT_THAT(error_of("--duration soon"), HasSubstr("the line '--duration soon': --duration is"));
  EXPECT_THAT(error_of("--duration 0ms"), HasSubstr("give a time to measure"));
  EXPECT_THAT(error_of("--duration"), HasSubstr("--duration"));
  EXPECT_THAT(error_of("--help"), HasSubstr("--help"));
  EXPECT_THAT(error_of("--connections 5"),
              HasSubstr("give --warm-up, --duration, --rate or nothing"));
  EXPECT_THAT(error_of("more"), HasSubstr("more"));
}

}  // namespace
}  // namespace cede::cli
