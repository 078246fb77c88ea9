#include "measure/report/quantity.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace cede::measure::report {
namespace {

TEST(quantity, a_unit_fits_the_number) {
  EXPECT_EQ(quantity(4096, "B"), "4.00 KiB");
  EXPECT_EQ(quantity(127.4, "B"), "127 B");
  EXPECT_EQ(quantity(2.34, "ns"), "2.34 ns");
  EXPECT_EQ(quantity(1905, "ns"), "1.91 us");
  EXPECT_EQ(quantity(15'600, "us"), "15.6 ms");
  EXPECT_EQ(quantity(132'284, "messages/s"), "132,000 messages/s");
  EXPECT_EQ(quantity(0.0123, "switches/message"), "0.0123 switches/message");
  EXPECT_EQ(quantity(0, "connections"), "0 connections");
  EXPECT_EQ(quantity(12, ""), "12.0");
}

TEST(quantity, a_number_just_below_a_unit_is_not_a_thousand_of_the_smaller) {
  EXPECT_EQ(quantity(999.9, "ns"), "1.00 us");
  EXPECT_EQ(quantity(1023.9, "B"), "1.00 KiB");
}

TEST(quantity, short_ones_fit_seven_columns_whatever_they_are) {
  EXPECT_EQ(short_quantity(132'284, "messages/s"), "132k");
  EXPECT_EQ(short_quantity(36'900, "B"), "36.0KiB");
  EXPECT_EQ(short_quantity(7.4, "us"), "7.40us");
  for (const double value : {std::numeric_limits<double>::max(), -1e300, 1e-300, -1023.0 * 1024,
                             1e15, 999'999.0, 123'456'789.0, -0.000123})
    for (const char* unit : {"B", "ns", "us", "messages/s", ""})
      EXPECT_LE(short_quantity(value, unit).size(), 7U) << value << unit;
}

TEST(quantity, separators_stand_at_each_third_digit) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(10'000), "10,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(quantity, ratios_have_two_digits) {
  EXPECT_EQ(times(2.13), "2.1 times");
  EXPECT_EQ(times(815.2), "815 times");
}

}  // namespace
}  // namespace cede::measure::report
