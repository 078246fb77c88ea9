#include "measure/report/figure.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace cede::measure::report {
namespace {

TEST(figure, the_median_lies_in_the_middle_of_the_range) {
  const figure odd = summarize({3, 1, 2}, "ns");
  EXPECT_TRUE(odd.available());
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, 3);
  EXPECT_EQ(odd.unit, "ns");
  EXPECT_EQ(odd.spread(), 0.5);
  EXPECT_EQ(summarize({4, 1, 2, 3}, "").median, 2.5);
}

TEST(figure, the_order_of_the_samples_is_kept) {
  EXPECT_EQ(summarize({3, 1, 2}, "ns").samples, (std::vector<double>{3, 1, 2}));
}

TEST(figure, nothing_measured_is_missing_and_not_zero) {
  EXPECT_FALSE(figure().available());
  EXPECT_EQ(figure().missing_because, "not measured");
  EXPECT_EQ(summarize({}, "ns").missing_because, "not measured");
}

TEST(figure, what_is_not_finite_is_missing) {
  EXPECT_FALSE(summarize({1, INFINITY}, "ns").available());
  EXPECT_FALSE(summarize({NAN}, "ns").available());
}

TEST(figure, a_median_of_zero_has_no_spread) { EXPECT_EQ(exact(0, "B").spread(), 0); }

}  // namespace
}  // namespace cede::measure::report
