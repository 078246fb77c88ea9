#include "cli/spin.hpp"

#include <gtest/gtest.h>

namespace cede::cli {
namespace {

using namespace std::chrono_literals;

TEST(spin, it_counts_its_work_and_no_more_time_than_it_took) {
  spin_totals totals;
  const auto begin = clock::now();
  spin(2ms, totals);
  spin(2ms, totals);
  const auto took = clock::now() - begin;
  EXPECT_GE(took, 4ms);
  EXPECT_GE(totals.units, 2u);
  EXPECT_GT(totals.ran_ns, 0u);
  EXPECT_LE(totals.ran_ns, static_cast<std::uint64_t>(took.count()));
  EXPECT_NE(totals.result, 0u);
}

TEST(spin, no_time_is_no_work) {
  spin_totals totals;
  spin(0ns, totals);
  EXPECT_EQ(totals.units, 0u);
  EXPECT_EQ(totals.ran_ns, 0u);
}

TEST(spin, a_unit_that_took_far_longer_than_others_was_interrupted) {
  EXPECT_FALSE(was_interrupted(1us, 1us));
  EXPECT_FALSE(was_interrupted(4us, 1us)) << "the kernel's own work is nobody else's";
  EXPECT_TRUE(was_interrupted(6us, 1us));
  EXPECT_FALSE(was_interrupted(30us, 10us)) << "a slow machine is not a busy one";
  EXPECT_TRUE(was_interrupted(50us, 10us));
}

}  // namespace
}  // namespace cede::cli
