#include "measure/load/timetable.hpp"

#include <gtest/gtest.h>

namespace cede::measure::load {
namespace {

using namespace std::chrono_literals;
using std::nullopt;

timetable plain() { return {.begin = 0s, .from = 10s, .to = 20s, .end = 20s}; }

timetable with_hogs() {
  return {.begin = 0s,
          .from = 10s,
          .to = 20s,
          .hogs = true,
          .hogs_over = 25s,
          .end = 35s,
          .during_from = 21s,
          .during_to = 24s};
}

TEST(timetable, a_reply_counts_in_the_window_in_which_it_arrives) {
  EXPECT_EQ(plain().arriving(9s), nullopt);
  EXPECT_EQ(plain().arriving(10s), window::before);
  EXPECT_EQ(plain().arriving(20s), nullopt);
  EXPECT_EQ(with_hogs().arriving(19s), window::before);
  EXPECT_EQ(with_hogs().arriving(21s), window::during);
  EXPECT_EQ(with_hogs().arriving(25s), window::after);
  EXPECT_EQ(with_hogs().arriving(35s), nullopt);
}

TEST(timetable, at_the_edges_of_the_hogs_time_a_reply_counts_nowhere) {
  for (const auto at : {20s, 24s}) {
    EXPECT_EQ(with_hogs().arriving(at), nullopt);
    EXPECT_EQ(with_hogs().running(at), window::during);
  }
}

TEST(timetable, an_open_loop_counts_by_when_a_message_is_due) {
  EXPECT_EQ(plain().attributed(pacing::open_loop, 19s, 60s), window::before);
  EXPECT_EQ(plain().attributed(pacing::open_loop, 9s, 11s), nullopt);
  EXPECT_EQ(plain().attributed(pacing::closed_loop, 19s, 60s), nullopt);
  EXPECT_EQ(plain().attributed(pacing::closed_loop, 9s, 11s), window::before);
}

TEST(timetable, what_hogs_can_have_delayed_counts_as_during) {
  for (const pacing how : {pacing::closed_loop, pacing::open_loop}) {
    EXPECT_EQ(with_hogs().attributed(how, 19s, 19s), window::before);
    EXPECT_EQ(with_hogs().attributed(how, 19s, 25s), window::during);
    EXPECT_EQ(with_hogs().attributed(how, 23s, 26s), window::during);
    EXPECT_EQ(with_hogs().attributed(how, 25s, 26s), window::after);
  }
}

TEST(timetable, while_hogs_are_at_work_there_is_no_end) {
  timetable open_ended = with_hogs();
  open_ended.hogs_over = open_ended.end = timetable::never;
  EXPECT_EQ(open_ended.running(1h), window::during);
  EXPECT_EQ(open_ended.next_boundary(20s), timetable::never);
}

TEST(timetable, boundaries_follow_each_other) {
  EXPECT_EQ(with_hogs().next_boundary(0s), 10s);
  EXPECT_EQ(with_hogs().next_boundary(10s), 20s);
  EXPECT_EQ(with_hogs().next_boundary(20s), 25s);
  EXPECT_EQ(with_hogs().next_boundary(25s), 35s);
  EXPECT_EQ(plain().next_boundary(20s), timetable::never);
}

}  // namespace
}  // namespace cede::measure::load
