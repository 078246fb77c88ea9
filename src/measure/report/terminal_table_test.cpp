#include "measure/report/terminal_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "measure/report/test_results.hpp"
#include "measure/report/text_layout.hpp"

namespace cede::measure::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(columns_of(line), terminal_columns) << line;
}

TEST(terminal_table, no_line_is_wider_than_80_columns_whatever_the_numbers_are) {
  for (const results& run : {results(), test::sample(), test::extreme()})
    expect_narrow(terminal_table(run));
  const results run = test::extreme();
  expect_narrow(terminal_table(bare_results{run.bare, run.refill, run.warnings}));
}

TEST(terminal_table, everything_that_was_measured_is_there) {
  const std::string text = terminal_table(test::sample());
  for (const char* part : {"1,000 connections", "10,000 connections", "times cooperative",
                           "cooperative fibers", "epoll loop by hand", "130k", "bare costs",
                           "a switch that touches", "starved", "slice of 1.00 ms"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(terminal_table, a_server_has_one_line_for_all_numbers_of_hogs) {
  const std::string text = terminal_table(test::sample());
  for (const char* part :
       {"handlers that hog          kept    kept     p99     p99     p99\n",
        "                          1 hog 10 hogs   1 hog 10 hogs  before\n",
        "OS threads                 80.0    40.0  2.20ms  2.20ms  1.00ms    +-8%\n",
        "                        starved starved their % their %\n",
        "OS threads                    0       0    9.00    9.00    +-8%\n"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(terminal_table, what_is_missing_has_its_reason_once) {
  const std::string text = terminal_table(test::sample());
  const std::string reason = "- OS threads, SCHED_FIFO: SCHED_FIFO is not permitted";
  const auto first = text.find(reason);
  ASSERT_NE(first, text.npos);
  EXPECT_EQ(text.find(reason, first + 1), text.npos);
  EXPECT_THAT(text, HasSubstr("- Go: not installed: apt-get install golang-go"));
}

TEST(terminal_table, nothing_that_is_written_can_command_a_terminal) {
  results run = test::sample();
  run.machine.cpu_model = "evil \x1b[2J\r\n";
  EXPECT_THAT(terminal_table(run), Not(HasSubstr("\x1b")));
  EXPECT_THAT(terminal_table(run), Not(HasSubstr("\r")));
}

TEST(text_layout, lines_break_between_words_and_long_words_are_cut) {
  EXPECT_EQ(wrapped("a b"), "a b\n");
  EXPECT_EQ(wrapped(std::string(79, 'x') + " yy", 2), std::string(79, 'x') + "\n  yy\n");
  EXPECT_EQ(wrapped(std::string(100, 'x'), 2),
            std::string(80, 'x') + "\n  " + std::string(20, 'x') + "\n");
}

TEST(text_layout, columns_are_code_points) {
  EXPECT_EQ(columns_of("\xc2\xb5s"), 2U);
  EXPECT_EQ(fitted("\xc2\xb5\xc2\xb5\xc2\xb5\xc2\xb5", 3), "\xc2\xb5\xc2\xb5~");
}

}  // namespace
}  // namespace cede::measure::report
