#include "measure/compare/progress.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace cede::measure::compare {
namespace {

TEST(Progress, the_bar_shows_how_far_and_how_long) {
  EXPECT_EQ(progress_bar({.step = 3, .steps = 10, .done = 0.3, .seconds_left = 90}, "os-thread"),
            "[######--------------]  30 %, about 90 s left: os-thread");
}

TEST(Progress, the_bar_stays_in_one_line) {
  const std::string text = progress_bar({.done = 0.5, .seconds_left = 9}, std::string(200, 'x'));
  EXPECT_EQ(text.size(), 79U);
}

TEST(Progress, neither_end_is_passed) {
  EXPECT_EQ(progress_bar({.done = -1, .seconds_left = 9}, "").substr(0, 22),
            "[--------------------]");
  EXPECT_EQ(progress_bar({.done = 2}, "").substr(0, 22), "[####################]");
}

TEST(Progress, elsewhere_there_are_plain_lines) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    progress shown(ends[1]);
    shown.expect(2, 10);
    shown.begin("first", 6);
    shown.begin("second", 4);
  }
  ::close(ends[1]);
  char text[256];
  const ssize_t size = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  ASSERT_GT(size, 0);
  const std::string lines(text, static_cast<std::size_t>(size));
  EXPECT_EQ(lines.find("1 of 2, about 10 s left: first\n2 of 2, "), 0U) << lines;
  EXPECT_EQ(lines.find('\r'), lines.npos);
}

}  // namespace
}  // namespace cede::measure::compare
