#include "base/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace {

namespace cpus = cede::base::cpus;

TEST(cpus, a_quota_is_rounded_up) {
  EXPECT_EQ(cpus::parse_cpu_max("100000 100000\n"), 1U);
  EXPECT_EQ(cpus::parse_cpu_max("150000 100000\n"), 2U);
  EXPECT_EQ(cpus::parse_cpu_max("1000 100000\n"), 1U);
  EXPECT_EQ(cpus::parse_cpu_max("6400000 100000\n"), 64U);
  EXPECT_EQ(cpus::parse_cfs("250000\n", "100000\n"), 3U);
}

TEST(cpus, no_quota_limits_nothing) {
  EXPECT_EQ(cpus::parse_cpu_max("max 100000\n"), std::nullopt);
  EXPECT_EQ(cpus::parse_cfs("-1\n", "100000\n"), std::nullopt);
}

TEST(cpus, nonsense_limits_nothing) {
  for (const char* text : {"", " ", "100000", "x y", "0 0", "-5 100000", "100000 0",
                           "99999999999999999999999 100000"}) {
    EXPECT_EQ(cpus::parse_cpu_max(text), std::nullopt) << text;
  }
  EXPECT_EQ(cpus::parse_cfs("", ""), std::nullopt);
}

TEST(cpus, a_huge_quota_does_not_overflow) {
  EXPECT_EQ(cpus::parse_cpu_max("9223372036854775807 1"), 1U << 20);
}

TEST(cpus, the_group_of_each_hierarchy_is_found) {
  constexpr std::string_view text =
      "12:cpuset:/wrong\n4:cpu,cpuacct:/a/b\n1:name=systemd:/c\n0::/user.slice/x:y\n";
  EXPECT_EQ(cpus::find_group(text, "cpu"), "/a/b");
  EXPECT_EQ(cpus::find_group(text, "cpuacct"), "/a/b");
  EXPECT_EQ(cpus::find_group(text, ""), "/user.slice/x:y");
  EXPECT_EQ(cpus::find_group(text, "memory"), std::nullopt);
  EXPECT_EQ(cpus::find_group("garbage\n\n:\n", "cpu"), std::nullopt);
}

class group_tree : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "cede-cgroup-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::optional<unsigned> quota(std::string_view proc_cgroup) {
    return cpus::quota_below(root_.string(), proc_cgroup);
  }

  std::filesystem::path root_;
};

TEST_F(group_tree, the_tightest_group_on_the_path_counts) {
  write("a/cpu.max", "200000 100000\n");
  write("a/b/cpu.max", "max 100000\n");
  write("a/b/c/cpu.max", "800000 100000\n");
  EXPECT_EQ(quota("0::/a/b/c\n"), 2U);
  EXPECT_EQ(quota("0::/\n"), std::nullopt);
  EXPECT_EQ(quota("0::/elsewhere\n"), std::nullopt);
}

TEST_F(group_tree, a_container_sees_its_own_group_at_the_root) {
  write("cpu.max", "300000 100000\n");
  EXPECT_EQ(quota("0::/\n"), 3U);
  EXPECT_EQ(quota("0::/not/visible/here\n"), 3U);
}

TEST_F(group_tree, version_1_files_are_read_too) {
  write("cpu,cpuacct/docker/x/cpu.cfs_quota_us", "150000\n");
  write("cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota("4:cpu,cpuacct:/docker/x\n0::/\n"), 2U);
}

TEST(cpus, at_least_one_and_no_more_than_the_affinity_mask) {
  EXPECT_GE(cede::base::usable_cpus(), 1U);
  unsigned on_one_cpu = 0;
  std::thread([&] {  // affinity belongs to the thread, so it goes with it
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(set), &set), 0);
    on_one_cpu = cede::base::usable_cpus();
  })
      .join();
  EXPECT_EQ(on_one_cpu, 1U);
}

}  // namespace
