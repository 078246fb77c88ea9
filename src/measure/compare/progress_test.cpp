#include "measure/compare/progress.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cede::measure::compare {
namespace {

TEST(Progress, the_bar_shows_how_far_and_how_long) {
  EXPECT_EQ(
      progress_bar({.step = 3, .steps = 10, .done = 0.3, .seconds_left = 90}, "os-thread", 79),
      "[######--------------]  30 %, about 90 s left: os-thread");
}

TEST(Progress, the_bar_stays_in_one_line_of_the_terminal) {
  int terminal = -1;
  int program = -1;
  winsize narrow{.ws_row = 24, .ws_col = 40, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::openpty(&terminal, &program, nullptr, nullptr, &narrow), 0);
  {
    progress shown(program);
    shown.expect(1, 10);
    shown.begin(std::string(200, 'x'), 10);
  }
  char text[256];
  const ssize_t size = ::read(terminal, text, sizeof text);
  ::close(terminal);
  ::close(program);
  ASSERT_GT(size, 0);
  const std::string drawn(text, static_cast<std::size_t>(size));
  EXPECT_EQ(drawn.find('\x1b'), 1U + 39U) << drawn;
}

TEST(Progress, neither_end_is_passed) {
  EXPECT_EQ(progress_bar({.done = -1, .seconds_left = 9}, "", 79).substr(0, 22),
            "[--------------------]");
  EXPECT_EQ(progress_bar({.done = 2}, "", 79).substr(0, 22), "[####################]");
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
