#include "cli/list_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/usage_error.hpp"

namespace cede::cli {
namespace {

using testing::ElementsAre;

std::string refusal(auto parse) {
  try {
    parse();
  } catch (const usage_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ListValues, words_stand_between_commas) {
  EXPECT_THAT(parse_list("--kinds", "a,b,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(parse_list("--kinds", "a"), ElementsAre("a"));
}

TEST(ListValues, empty_words_are_refused) {
  for (const char* const text : {"", ",", "a,", ",a", "a,,b"})
    EXPECT_THAT(refusal([&] { static_cast<void>(parse_list("--kinds", text)); }),
                testing::HasSubstr("--kinds has an empty name"));
}

TEST(ListValues, what_stands_there_twice_is_named) {
  EXPECT_EQ(refusal([] { static_cast<void>(parse_list("--kinds", "a,b,a")); }),
            "--kinds names 'a' twice");
  EXPECT_EQ(refusal([] { static_cast<void>(parse_numbers("-c", "10,010", 1, 100)); }),
            "-c names 10 twice");
}

TEST(ListValues, numbers_have_a_range) {
  EXPECT_THAT(parse_numbers("-c", "1,1000", 1, 1000), ElementsAre(1, 1000));
  for (const char* const text : {"0", "1001", "-1", "1e3", "ten", "1, 2"})
    EXPECT_THAT(refusal([&] { static_cast<void>(parse_numbers("-c", text, 1, 1000)); }),
                testing::HasSubstr("give a number from 1 to 1000"));
}

TEST(ListValues, fractions_are_plain_decimals) {
  EXPECT_DOUBLE_EQ(parse_fraction("--seconds", "0.25", 0.05, 600), 0.25);
  EXPECT_DOUBLE_EQ(parse_fraction("--seconds", "2", 0.05, 600), 2);
  for (const char* const text : {"0", "601", "-1", "1e2", "nan", "inf", "1s", "", "0,5"})
    EXPECT_THAT(refusal([&] { static_cast<void>(parse_fraction("--seconds", text, 0.05, 600)); }),
                testing::HasSubstr("give a number from 0.05 to 600"));
}

}  // namespace
}  // namespace cede::cli
