#include "measure/load/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace cede::measure::load {
namespace {

TEST(histogram, an_empty_one_answers_zero) {
  const histogram empty;
  EXPECT_EQ(empty.quantile(0.5), 0U);
  EXPECT_EQ(empty.max(), 0U);
  EXPECT_EQ(empty.mean(), 0.0);
}

TEST(histogram, buckets_follow_each_other_without_gap_or_overlap) {
  const std::size_t last = histogram::bucket_of(std::numeric_limits<std::uint64_t>::max());
  for (std::size_t bucket = 0; bucket < last; ++bucket) {
    const std::uint64_t edge = histogram::upper_edge(bucket);
    EXPECT_EQ(histogram::bucket_of(edge), bucket);
    EXPECT_EQ(histogram::bucket_of(edge + 1), bucket + 1);
  }
  EXPECT_EQ(histogram::upper_edge(last), std::numeric_limits<std::uint64_t>::max());
}

TEST(histogram, an_edge_is_at_most_a_64th_above_the_value) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 40); value = value * 3 + 1) {
    const std::uint64_t edge = histogram::upper_edge(histogram::bucket_of(value));
    EXPECT_GE(edge, value);
    EXPECT_LE(edge - value, value / 64);
  }
}

TEST(histogram, small_values_have_exact_quantiles) {
  histogram values;
  for (std::uint64_t value = 1; value <= 100; ++value) values.record(value);
  EXPECT_EQ(values.quantile(0.50), 50U);
  EXPECT_EQ(values.quantile(0.99), 99U);
  EXPECT_EQ(values.quantile(0.0), 1U);
  EXPECT_EQ(values.quantile(1.0), 100U);
  EXPECT_DOUBLE_EQ(values.mean(), 50.5);
}

TEST(histogram, a_single_outlier_shows_only_beyond_its_quantile) {
  histogram values;
  for (int i = 0; i < 999; ++i) values.record(1'000);
  values.record(50'000'000);
  EXPECT_LE(values.quantile(0.99), 1'016U);
  EXPECT_LE(values.quantile(0.999), 1'016U);
  EXPECT_EQ(values.quantile(0.9999), 50'000'000U);
  EXPECT_EQ(values.max(), 50'000'000U);
}

TEST(histogram, values_recorded_together_are_as_if_each_had_been) {
  histogram each;
  histogram together;
  const std::uint64_t least = 1'000'000;
  ASSERT_EQ(histogram::bucket_of(least), histogram::bucket_of(least + 90));
  for (std::uint64_t i = 0; i < 10; ++i) each.record(least + 10 * i);
  together.record_alike(least, least + 90, 10);
  EXPECT_EQ(together.unpacked().buckets, each.unpacked().buckets);
  EXPECT_EQ(together.count(), each.count());
  EXPECT_EQ(together.max(), each.max());
  EXPECT_DOUBLE_EQ(together.mean(), each.mean());
}

}  // namespace
}  // namespace cede::measure::load
