#include "measure/load/proc_fields.hpp"

#include <gtest/gtest.h>

namespace cede::measure::load {
namespace {

constexpr std::string_view status =
    "Name:\techo\nVmPTE:\t     148 kB\nThreads:\t1001\nSigQ:\t0/95\nPss:   12 kB\nPss_Dirty: 8 kB";

TEST(proc_field, reads_numbers_with_and_without_a_unit) {
  EXPECT_EQ(proc_field(status, "VmPTE"), 148U);
  EXPECT_EQ(proc_field(status, "Threads"), 1001U);
}

TEST(proc_field, a_name_must_match_as_a_whole) {
  EXPECT_EQ(proc_field(status, "Pss"), 12U);
  EXPECT_EQ(proc_field(status, "Pss_Dirty"), 8U);
  EXPECT_EQ(proc_field(status, "Thread"), std::nullopt);
}

TEST(proc_field, a_missing_field_or_number_gives_nothing) {
  EXPECT_EQ(proc_field(status, "VmRSS"), std::nullopt);
  EXPECT_EQ(proc_field(status, "Name"), std::nullopt);
  EXPECT_EQ(proc_field("Pss:", "Pss"), std::nullopt);
  EXPECT_EQ(proc_field("", "Pss"), std::nullopt);
}

}  // namespace
}  // namespace cede::measure::load
