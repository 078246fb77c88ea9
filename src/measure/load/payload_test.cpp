#include "measure/load/payload.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace cede::measure::load {
namespace {

std::vector<std::byte> message(message_id id, std::size_t size) {
  std::vector<std::byte> bytes(size);
  fill(id, 0, bytes);
  return bytes;
}

TEST(payload, differs_by_connection_and_by_sequence_number) {
  const auto bytes = message({7, 1}, 64);
  EXPECT_NE(bytes, message({8, 1}, 64));
  EXPECT_NE(bytes, message({7, 2}, 64));
  EXPECT_EQ(bytes, message({7, 1}, 64));
}

TEST(payload, any_part_equals_that_part_of_the_whole) {
  const auto whole = message({3, 9}, 600);
  for (std::size_t offset = 0; offset < 20; ++offset) {
    for (std::size_t size : {0, 1, 7, 8, 9, 300, 580}) {
      std::vector<std::byte> part(size);
      fill({3, 9}, offset, part);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<long>(offset)));
      EXPECT_EQ(first_difference({3, 9}, offset, part), std::nullopt);
    }
  }
}

TEST(payload, every_flipped_bit_is_found_at_its_position) {
  const auto good = message({1, 4}, 300);
  for (std::size_t position = 0; position < good.size(); ++position) {
    auto damaged = good;
    damaged[position] ^= std::byte{1};
    EXPECT_EQ(first_difference({1, 4}, 0, damaged), position);
  }
}

TEST(payload, a_position_counts_from_the_start_of_the_message) {
  auto bytes = message({1, 4}, 64);
  bytes[50] ^= std::byte{0x80};
  EXPECT_EQ(first_difference({1, 4}, 40, std::span(bytes).subspan(40)), 50U);
}

}  // namespace
}  // namespace cede::measure::load
