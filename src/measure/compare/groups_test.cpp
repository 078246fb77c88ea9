#include "measure/compare/groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

using report::nature;
using testing::ElementsAre;

const std::vector<nature> usual{nature::fiber, nature::fiber, nature::thread, nature::thread};

TEST(groups, all_live_together_where_there_is_room) {
  EXPECT_THAT(groups_of(usual, 10'000, {}), ElementsAre(ElementsAre(0, 1, 2, 3)));
  EXPECT_TRUE(groups_of({}, 10'000, {}).empty());
}

TEST(groups, too_many_threads_are_parted_and_the_first_is_in_each_group) {
  EXPECT_THAT(groups_of(usual, 10'000, {.threads = 15'000}),
              ElementsAre(ElementsAre(0, 1, 2), ElementsAre(0, 3)));
}

TEST(groups, memory_parts_them_too) {
  const std::uint64_t room = std::uint64_t{1000} * 2 * 32 * 1024;  // two servers of fibers
  const std::vector<nature> fibers(3, nature::fiber);
  EXPECT_THAT(groups_of(fibers, 1000, {.memory_bytes = room}),
              ElementsAre(ElementsAre(0, 1), ElementsAre(0, 2)));
}

TEST(groups, one_without_room_beside_the_first_stands_alone) {
  const std::uint64_t room = std::uint64_t{1000} * 64 * 1024;
  EXPECT_THAT(
      groups_of({nature::fiber, nature::thread, nature::fiber}, 1000, {.memory_bytes = room}),
      ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(0, 2)));
}

}  // namespace
}  // namespace cede::measure::compare
