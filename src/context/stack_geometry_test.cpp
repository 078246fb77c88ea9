#include "context/stack_geometry.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace cede::context {
namespace {

TEST(stack_geometry, rounds_up_to_the_next_power_of_two) {
  const std::size_t least = std::max(smallest_slot, 4 * page_bytes());
  EXPECT_EQ(slot_bytes(size_class_for(0).value()), least);
  EXPECT_EQ(slot_bytes(size_class_for(least).value()), least);
  EXPECT_EQ(slot_bytes(size_class_for(least + 1).value()), 2 * least);
  EXPECT_EQ(slot_bytes(size_class_for(1024 * 1024).value()), 1024U * 1024U);
  EXPECT_EQ(slot_bytes(size_class_for(largest_slot).value()), largest_slot);
}

TEST(stack_geometry, refuses_stacks_that_no_class_has) {
  EXPECT_EQ(size_class_for(largest_slot + 1).error(), errc::invalid_argument);
  EXPECT_EQ(size_class_for(~std::size_t{0}).error(), errc::invalid_argument);
}

TEST(stack_geometry, a_guard_is_whole_pages_and_leaves_most_of_the_slot) {
  for (std::uint32_t each = size_class_for(0).value(); each < size_classes; ++each) {
    EXPECT_EQ(guard_bytes(each) % page_bytes(), 0U);
    EXPECT_GE(guard_bytes(each), page_bytes());
    EXPECT_LE(guard_bytes(each), slot_bytes(each) / 4);
  }
}

TEST(stack_geometry, tops_stay_aligned_to_cache_lines) {
  for (std::uint32_t index = 0; index < 64; ++index) EXPECT_EQ(top_offset(index) % 64, 0U);
  EXPECT_NE(top_offset(0), top_offset(1));
}

}  // namespace
}  // namespace cede::context
