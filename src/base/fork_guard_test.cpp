#include "base/fork_guard.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

TEST(fork_guard, only_the_child_is_a_forked_child) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(cede::base::in_forked_child() ? 7 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_FALSE(cede::base::in_forked_child());
  cede::base::require_not_forked_child("spawn");
}

TEST(fork_guard_death_test, a_call_in_the_child_says_what_it_may_do) {
  const auto call_in_child = [] {
    const pid_t child = ::fork();
    if (child == 0) cede::base::require_not_forked_child("spawn");
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  };
  EXPECT_EXIT(call_in_child(), testing::ExitedWithCode(SIGABRT),
              "cede: spawn: after fork the child may only exec or exit");
}

}  // namespace
