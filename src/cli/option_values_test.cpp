#include "cli/option_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace cede::cli {
namespace {

using namespace std::chrono_literals;

std::string refusal(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const usage_error& error) {
    return error.what();
  }
  return "not refused";
}

TEST(option_values, ports_are_sixteen_bits) {
  EXPECT_EQ(parse_port("--port", "0"), 0);
  EXPECT_EQ(parse_port("--port", "65535"), 65535);
  for (const char* bad : {"65536", "-1", "", " 7", "7 ", "7000x", "0x10", "1e3", "7.0"})
    EXPECT_EQ(refusal([bad] { static_cast<void>(parse_port("--port", bad)); }),
              std::string("--port is '") + bad +
                  "': give a port from 1 to 65535, or 0 for any that is free");
}

TEST(option_values, numbers_keep_to_their_range) {
  EXPECT_EQ(parse_number("--workers", "1024", 1, 1024), 1024U);
  for (const char* bad : {"0", "1025", "99999999999999999999", "+1", "two"})
    EXPECT_EQ(refusal([bad] { static_cast<void>(parse_number("--workers", bad, 1, 1024)); }),
              std::string("--workers is '") + bad + "': give a number from 1 to 1024");
}

TEST(option_values, durations_need_a_unit) {
  EXPECT_EQ(parse_duration("--drain", "0s"), 0ms);
  EXPECT_EQ(parse_duration("--drain", "500ms"), 500ms);
  EXPECT_EQ(parse_duration("--drain", "2min"), 2min);
  EXPECT_EQ(parse_duration("--drain", "24h"), 24h);
  for (const char* bad : {"3", "s", "", "-3s", "3 s", "3days", "25h", "4294967296s", "1.5s", "3s "})
    EXPECT_THAT(refusal([bad] { static_cast<void>(parse_duration("--drain", bad)); }),
                testing::StartsWith(std::string("--drain is '") + bad + "': give a time"));
}

TEST(option_values, a_byte_is_a_character_or_hexadecimal) {
  EXPECT_EQ(parse_byte("--hog-byte", "H"), std::byte{'H'});
  EXPECT_EQ(parse_byte("--hog-byte", "7"), std::byte{'7'});
  EXPECT_EQ(parse_byte("--hog-byte", "0x00"), std::byte{0});
  EXPECT_EQ(parse_byte("--hog-byte", "0xfF"), std::byte{0xff});
  for (const char* bad : {"", "HH", "0x", "0x1", "0x100", "0xgg", "256"})
    EXPECT_THAT(refusal([bad] { static_cast<void>(parse_byte("--hog-byte", bad)); }),
                testing::StartsWith(std::string("--hog-byte is '") + bad + "': give one char"));
}

TEST(option_values, an_unknown_word_is_answered_with_the_known_ones) {
  constexpr std::array<choice<int>, 2> sizes{{{"small", 1}, {"large", 2}}};
  EXPECT_EQ(parse_choice("--size", "large", sizes), 2);
  EXPECT_EQ(refusal([&] { static_cast<void>(parse_choice("--size", "lagre", sizes)); }),
            "--size is 'lagre': did you mean 'large'?");
  EXPECT_EQ(refusal([&] { static_cast<void>(parse_choice("--size", "medium-ish", sizes)); }),
            "--size is 'medium-ish': use one of: small, large");
}

TEST(option_values, a_refusal_is_one_short_line_whatever_was_given) {
  const std::string text = "\n\x1b[2J" + std::string(1'000'000, 'x');
  const std::string line = refusal([&] { static_cast<void>(parse_port("--port", text)); });
  EXPECT_LT(line.size(), 200U);
  EXPECT_THAT(line, testing::Not(testing::HasSubstr("\n")));
  EXPECT_THAT(line, testing::Not(testing::HasSubstr("\x1b")));
}

}  // namespace
}  // namespace cede::cli
