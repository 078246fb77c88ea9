#include "measure/compare/kernel_memory.hpp"

#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

TEST(KernelMemory, sockets_and_others_are_told_apart) {
  const slab_bytes bytes = of_processes({{"TCP", 10, 2000},
                                         {"TCPv6", 1, 2500},
                                         {"filp", 5, 200},
                                         {"task_struct", 3, 6000},
                                         {"eventpoll_epi", 7, 128},
                                         {"kmalloc-cg-64", 2, 64}});
  EXPECT_TRUE(bytes.by_cache);
  EXPECT_EQ(bytes.sockets, 10U * 2000 + 2500 + 5 * 200);
  EXPECT_EQ(bytes.others, 3U * 6000 + 7 * 128 + 2 * 64);
}

TEST(KernelMemory, file_systems_are_not_counted) {
  const slab_bytes bytes =
      of_processes({{"ext4_inode_cache", 80000, 1128}, {"buffer_head", 700000, 104}});
  EXPECT_EQ(bytes.sockets + bytes.others, 0U);
}

TEST(KernelMemory, a_socket_counts_its_directory_entry_and_nobody_elses) {
  const slab_bytes bytes =
      of_processes({{"sock_inode_cache", 4, 800}, {"dentry", 140000, 192}, {"TCP", 4, 2000}});
  EXPECT_EQ(bytes.sockets, 4U * (800 + 192 + 2000));
}

TEST(KernelMemory, a_stack_has_the_power_of_two_that_is_nearest) {
  constexpr std::uint64_t kib = 1024;
  EXPECT_EQ(stack_bytes(2848 * kib, 179), 16 * kib);  // fewer than threads: idle tasks
  EXPECT_EQ(stack_bytes(17 * 100 * kib, 100), 16 * kib);
  EXPECT_EQ(stack_bytes(8 * 300 * kib, 300), 8 * kib);
  EXPECT_EQ(stack_bytes(31 * 500 * kib, 500), 32 * kib);
}

TEST(KernelMemory, no_threads_are_no_division_by_zero) { EXPECT_GT(stack_bytes(0, 0), 0U); }

TEST(KernelMemory, this_machine_tells_its_own) {
  const auto stack = kernel_stack_bytes();
  ASSERT_TRUE(stack);
  EXPECT_GE(*stack, 8192U);
  EXPECT_LE(*stack, 65536U);
  ASSERT_TRUE(sample_slabs());
  EXPECT_GT(sample_slabs()->others, 0U);
}

}  // namespace
}  // namespace cede::measure::compare
