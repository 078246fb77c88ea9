// Machines that forbid switching, as far as one can pretend to be on one.
#include "context/machine.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cede::context {
namespace {

TEST(machine, this_one_can_switch) { EXPECT_STREQ(obstacle_to_switching(), nullptr); }

TEST(machine, one_that_checks_returns_cannot_and_the_line_says_what_to_do) {
  const auto kept = returns_are_checked;
  returns_are_checked = []() noexcept { return true; };
  const char* const obstacle = obstacle_to_switching();
  returns_are_checked = kept;
  ASSERT_NE(obstacle, nullptr);
  EXPECT_NE(std::string(obstacle).find("are on and forbid switching stacks; run with "
                                       "GLIBC_TUNABLES=glibc.cpu."),
            std::string::npos)
      << obstacle;
}

}  // namespace
}  // namespace cede::context
