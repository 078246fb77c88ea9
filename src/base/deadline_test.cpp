#include <gtest/gtest.h>

#include <cede/deadline.hpp>
#include <limits>
#include <type_traits>

#include "base/virtual_clock.hpp"

namespace {

using cede::clock;
using cede::deadline;
using namespace std::chrono_literals;

constexpr clock::time_point at(clock::duration since) { return clock::time_point(since); }

class deadline_at_100s : public testing::Test {
 protected:
  cede::base::virtual_clock time_{at(100s)};
  cede::base::virtual_clock::installation installed_{time_};
};

static_assert(std::is_trivially_copyable_v<deadline>);
static_assert(std::is_convertible_v<std::chrono::milliseconds, deadline>);
static_assert(std::is_convertible_v<clock::time_point, deadline>);
static_assert(!std::is_convertible_v<int, deadline>);

TEST_F(deadline_at_100s, the_default_never_comes) {
  EXPECT_TRUE(deadline().is_never());
  EXPECT_FALSE(deadline().expired());
  EXPECT_EQ(deadline(), cede::never);
}

TEST_F(deadline_at_100s, a_duration_counts_from_now) {
  const deadline soon = 50ms;
  EXPECT_EQ(soon.when(), at(100s + 50ms));
  EXPECT_FALSE(soon.expired());
  time_.advance_to(at(100s + 50ms));
  EXPECT_TRUE(soon.expired());
}

TEST_F(deadline_at_100s, a_negative_duration_is_already_over) {
  EXPECT_TRUE(deadline(-1ns).expired());
  EXPECT_TRUE(deadline(-1.5h).expired());
  EXPECT_TRUE(deadline(std::chrono::hours::min()).expired());
  EXPECT_TRUE(deadline(clock::duration::min()).expired());
}

TEST_F(deadline_at_100s, no_time_at_all_is_already_over) { EXPECT_TRUE(deadline(0s).expired()); }

TEST_F(deadline_at_100s, a_duration_beyond_all_instants_is_never) {
  EXPECT_TRUE(deadline(clock::duration::max()).is_never());
  EXPECT_TRUE(deadline(clock::duration::max() - 99s).is_never());
  EXPECT_TRUE(deadline(std::chrono::seconds::max()).is_never());
  EXPECT_TRUE(deadline(std::chrono::hours::max()).is_never());
  EXPECT_TRUE(deadline(std::chrono::duration<double>(1e30)).is_never());
}

TEST_F(deadline_at_100s, fractions_and_odd_units_convert) {
  EXPECT_EQ(deadline(1.5s).when(), at(101s + 500ms));
  EXPECT_EQ(deadline(std::chrono::duration<int, std::ratio<1, 60>>(30)).when(), at(100s + 500ms));
  EXPECT_EQ(deadline(std::chrono::duration<unsigned long long>(2)).when(), at(102s));
  EXPECT_EQ(deadline(std::chrono::duration<std::int8_t, std::milli>(-5)).when(), at(100s - 5ms));
}

TEST_F(deadline_at_100s, not_a_number_is_already_over) {
  EXPECT_TRUE(
      deadline(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).expired());
}

TEST_F(deadline_at_100s, an_instant_is_taken_as_it_is) {
  EXPECT_EQ(deadline(at(7s)).when(), at(7s));
  EXPECT_TRUE(deadline(at(7s)).expired());
  EXPECT_TRUE(deadline(clock::time_point::max()).is_never());
}

TEST_F(deadline_at_100s, the_earlier_of_two_wins) {
  EXPECT_EQ(deadline::earlier(1s, 2s), deadline(1s));
  EXPECT_EQ(deadline::earlier(cede::never, 2s), deadline(2s));
  EXPECT_TRUE(deadline::earlier(cede::never, cede::never).is_never());
  EXPECT_LT(deadline(1s), cede::never);
}

}  // namespace
