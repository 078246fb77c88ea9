#include "duration_text.hpp"

#include <gtest/gtest.h>

namespace bench::load {
namespace {

using namespace std::chrono_literals;

TEST(parse_duration, understands_each_unit) {
  EXPECT_EQ(*parse_duration("250us"), 250us);
  EXPECT_EQ(*parse_duration("500ms"), 500ms);
  EXPECT_EQ(*parse_duration("3s"), 3s);
  EXPECT_EQ(*parse_duration("1.5min"), 90s);
  EXPECT_EQ(*parse_duration("0s"), 0s);
}

TEST(parse_duration, refuses_what_is_not_a_duration_and_names_it) {
  for (const char* text : {"", "3", "s", "-1s", "3 s", "3sec", "nan s", "infs", "1e30s", "0x3s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().line.find(std::string("'") + text + "'"), std::string::npos);
  }
}

TEST(seconds_text, has_no_needless_digits) {
  EXPECT_EQ(seconds_text(10s), "10 s");
  EXPECT_EQ(seconds_text(250ms), "0.25 s");
}

}  // namespace
}  // namespace bench::load
