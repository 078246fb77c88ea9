// Preemption and own TLS blocks on a machine with shadow stacks, which nobody here has.
#include "context/machine.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "base/sanitizers.hpp"
#include "context/preempt.hpp"
#include "context/test_fiber.hpp"
#include "context/tls_block.hpp"
#include "context/valgrind.hpp"

namespace cede::context {
namespace {

// Both look once, so they are asked in a process of their own.
TEST(machine_death, nothing_is_preemptive_where_returns_are_checked) {
  if (CEDE_ASAN || CEDE_TSAN || under_valgrind()) GTEST_SKIP() << "nothing is preemptive here";
  testing::isolate_death_tests();
  EXPECT_EXIT(
      {
        returns_are_checked = []() noexcept { return true; };
        const char* const preemption = obstacle_to_preemption();
        const char* const own_tls = obstacle_to_own_tls();
        std::fprintf(stderr, "%s\n%s\n", preemption != nullptr ? preemption : "none",
                     own_tls != nullptr ? own_tls : "none");
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0),
      "^shadow stacks are on .*x86_shstk=off\n"
      "no own TLS blocks for preemptive fibers: shadow stacks are on .*x86_shstk=off\n$");
}

}  // namespace
}  // namespace cede::context
