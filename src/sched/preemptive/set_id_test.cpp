// setgid(2) is made by all threads of a process, which the C library has them do by a signal.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cede/spawn.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sched/preemptive/preemption.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

bool all_threads_have(gid_t group) {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    std::string line;
    while (std::getline(status, line))
      if (line.starts_with("Gid:\t") && !line.starts_with("Gid:\t" + std::to_string(group) + "\t"))
        return false;
  }
  return true;
}

// With fibers that compute on both workers.
[[noreturn]] void set_group(kind caller, gid_t group) {
  run_fifo(
      [=] {
        std::atomic<bool> over{false};
        std::vector<cede::fiber> fibers;
        for (int i = 0; i < 4; ++i)
          fibers.push_back(spawn(preemptive, [&] {
                             while (!over) {
                             }
                           }).value());
        auto setter = spawn(caller, [&] {
                        if (::setgid(group) != 0) std::exit(4);
                        if (!all_threads_have(group)) std::exit(5);
                      }).value();
        if (!setter.join()) std::exit(6);
        over = true;
        for (auto& f : fibers)
          if (!f.join()) std::exit(8);
      },
      2);
  std::exit(0);
}

TEST(set_id_death, setgid_returns_in_every_kind_and_reaches_all_threads) {
  if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  constexpr gid_t other = 54321;
  const gid_t group = ::geteuid() == 0 ? other : ::getegid();
  EXPECT_EXIT(set_group(preemptive, group), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(set_group(cooperative, group), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(set_group(os_thread, group), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cede::sched
