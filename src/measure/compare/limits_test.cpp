#include "measure/compare/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

using report::nature;
using testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;

TEST(Limits, without_limits_everything_goes) {
  EXPECT_FALSE(too_many_for_all(1'000'000, {}));
  EXPECT_FALSE(too_many_for(nature::thread, 1'000'000, {}));
}

TEST(Limits, a_server_needs_descriptors_besides_its_connections) {
  const machine_limits limits{.open_files = 1064};
  EXPECT_FALSE(too_many_for_all(1000, limits));
  const auto refused = too_many_for_all(1001, limits);
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused, HasSubstr("1001 connections need 1065 open files"));
  EXPECT_THAT(*refused, HasSubstr("ulimit -n"));
}

TEST(Limits, too_little_memory_is_told_in_mib) {
  const auto refused = too_many_for_all(10'000, {.memory_bytes = 100 * mib});
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused, HasSubstr("312 MiB of memory, and 100 are available"));
}

TEST(Limits, only_threads_mind_the_limit_of_threads) {
  const machine_limits limits{.threads = 5000, .threads_by = "kernel.threads-max"};
  EXPECT_FALSE(too_many_for(nature::fiber, 10'000, limits));
  EXPECT_FALSE(too_many_for(nature::thread, 1000, limits));
  const auto refused = too_many_for(nature::thread, 10'000, limits);
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused, HasSubstr("10000 threads are more than kernel.threads-max allows, 5000"));
}

TEST(Limits, a_stack_of_a_thread_is_two_mappings) {
  const machine_limits limits{.mappings = 65'530};
  EXPECT_FALSE(too_many_for(nature::thread, 32'000, limits));
  EXPECT_TRUE(too_many_for(nature::thread, 33'000, limits));
}

TEST(Limits, this_machine_allows_one_connection) {
  const machine_limits here = limits_here();
  EXPECT_FALSE(too_many_for_all(1, here));
  EXPECT_FALSE(too_many_for(nature::thread, 1, here));
  EXPECT_FALSE(here.threads_by.empty());
}

}  // namespace
}  // namespace cede::measure::compare
