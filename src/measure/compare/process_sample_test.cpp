#include "measure/compare/process_sample.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

namespace cede::measure::compare {
namespace {

constexpr pid_t nobody = 1 << 22;  // above every process: the largest pid_max

TEST(ProcessSample, touched_pages_are_counted) {
  constexpr std::size_t size = 64 << 20;
  const auto before = memory_of(::getpid());
  ASSERT_TRUE(before);
  void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const auto after = memory_of(::getpid());
  ::munmap(pages, size);
  ASSERT_TRUE(after);
  // Not all of it: the share of pages that other processes use too may have become less meanwhile.
  EXPECT_GE(after->user_bytes, before->user_bytes + size / 2);
}

TEST(ProcessSample, a_thread_that_waits_gives_up_the_cpu_of_its_own_will) {
  const auto before = switches_of_process(::getpid());
  ASSERT_TRUE(before);
  for (int turn = 0; turn < 3; ++turn) ::usleep(1000);
  const auto after = switches_of_process(::getpid());
  ASSERT_TRUE(after);
  EXPECT_GE(after->voluntary, before->voluntary + 3);
}

TEST(ProcessSample, open_files_are_counted) {
  const auto before = descriptors_of(::getpid());
  ASSERT_TRUE(before);
  const int one_more = ::dup(STDERR_FILENO);
  const auto after = descriptors_of(::getpid());
  ::close(one_more);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, *before + 1);
  EXPECT_FALSE(descriptors_of(nobody));
}

TEST(ProcessSample, cpu_time_only_grows) {
  const auto before = cpu_time_of(::getpid());
  const auto after = cpu_time_of(::getpid());
  ASSERT_TRUE(before && after);
  EXPECT_GE(*after, *before);
}

TEST(ProcessSample, a_process_that_is_gone_is_a_failure_in_one_line) {
  const auto memory = memory_of(nobody);
  ASSERT_FALSE(memory);
  EXPECT_NE(memory.error().line.find("cannot be read"), std::string::npos);
  EXPECT_FALSE(switches_of_process(nobody));
  EXPECT_FALSE(cpu_time_of(nobody));
}

}  // namespace
}  // namespace cede::measure::compare
