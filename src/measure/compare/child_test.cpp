#include "measure/compare/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <csignal>

namespace cede::measure::compare {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto patience = 60s;  // only a test that has failed waits so long

class Child : public testing::Test {
 protected:
  // Each test has a thread of gtest's main; the mask must not stay behind.
  void SetUp() override { ::pthread_sigmask(SIG_BLOCK, nullptr, &before_); }
  void TearDown() override { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  outcome<child> shell(const std::string& script, std::vector<unsigned> cpus = {}) {
    return child::start({"the shell", {"sh", "-c", script}, std::move(cpus)}, stop_.value());
  }

  static bool lives(pid_t process) { return ::kill(process, 0) == 0; }

  sigset_t before_{};
  outcome<interruption> stop_ = interruption::watch();
};

TEST_F(Child, lines_go_both_ways) {
  auto echo = shell("while read line; do echo \"got $line\"; done");
  ASSERT_TRUE(echo);
  for (const auto* word : {"one", "two"}) {
    ASSERT_TRUE(echo->write_line(word));
    EXPECT_EQ(echo->read_line(patience).value(), std::string("got ") + word);
  }
  echo->close_input();
  EXPECT_TRUE(echo->wait(patience));
}

TEST_F(Child, lines_that_come_together_are_read_one_by_one) {
  auto both = shell("printf 'a\\nb\\n'");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->read_line(patience).value(), "a");
  EXPECT_EQ(both->read_line(patience).value(), "b");
}

TEST_F(Child, all_that_it_prints_is_read_once_it_has_ended_well) {
  auto talker = shell("echo first; echo second");
  ASSERT_TRUE(talker);
  EXPECT_EQ(talker->read_line(patience).value(), "first");
  EXPECT_EQ(talker->read_rest(patience).value(), "second\n");
  auto loser = shell("echo first; exit 1");
  ASSERT_TRUE(loser);
  EXPECT_FALSE(loser->read_rest(patience));
}

TEST_F(Child, one_that_fails_is_quoted) {
  auto loser = shell("echo first >&2; echo 'the reason' >&2; exit 3");
  ASSERT_TRUE(loser);
  const auto line = loser->read_line(patience);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().line, "the shell ended with code 3: the reason");
  EXPECT_EQ(line.error().why, cause::failed);
}

TEST_F(Child, one_that_a_signal_ended_says_which) {
  auto victim = shell("kill -SEGV $$");
  ASSERT_TRUE(victim);
  const auto ended = victim->wait(patience);
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().line, HasSubstr("was ended by signal 11"));
}

TEST_F(Child, one_that_does_not_exist_fails_at_once) {
  const auto nobody = child::start({"the server", {"/no/such/program"}, {}}, stop_.value());
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().line,
              HasSubstr("the server: /no/such/program cannot be started: No such file"));
}

TEST_F(Child, silence_ends_the_patience) {
  auto silent = shell("exec sleep 1000");
  ASSERT_TRUE(silent);
  const auto line = silent->read_line(1ms);
  ASSERT_FALSE(line);
  EXPECT_THAT(line.error().line, HasSubstr("the shell printed nothing for"));
  const auto ended = silent->wait(1ms);
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().line, HasSubstr("did not end"));
}

TEST_F(Child, one_that_is_dropped_is_dead_and_reaped) {
  pid_t process = 0;
  {
    auto silent = shell("exec sleep 1000");
    ASSERT_TRUE(silent);
    process = silent->id();
    EXPECT_TRUE(lives(process));
  }
  EXPECT_FALSE(lives(process));
}

TEST_F(Child, a_signal_to_the_parent_ends_every_wait) {
  auto silent = shell("exec sleep 1000");
  ASSERT_TRUE(silent);
  EXPECT_FALSE(stop_->come());
  ::raise(SIGTERM);
  EXPECT_TRUE(stop_->come());
  const auto line = silent->read_line(patience);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().why, cause::interrupted);
  EXPECT_EQ(silent->wait(patience).error().why, cause::interrupted);
  int taken = 0;  // so that the signal does not arrive when the mask goes
  sigset_t one{};
  sigemptyset(&one);
  sigaddset(&one, SIGTERM);
  ::sigwait(&one, &taken);
}

TEST_F(Child, it_has_the_default_signal_mask_and_a_group_of_its_own) {
  auto told = shell("grep SigBlk /proc/self/status; cut -d' ' -f1,5 /proc/$$/stat");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->read_line(patience).value(), "SigBlk:\t0000000000000000");
  const std::string process = std::to_string(told->id());
  EXPECT_EQ(told->read_line(patience).value(), process + " " + process);
}

TEST_F(Child, it_runs_where_it_is_told_to) {
  cpu_set_t ours{};
  ASSERT_EQ(::sched_getaffinity(0, sizeof ours, &ours), 0);
  unsigned last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &ours)) --last;
  auto pinned = shell("grep Cpus_allowed_list /proc/self/status", {last});
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->read_line(patience).value(), "Cpus_allowed_list:\t" + std::to_string(last));
}

TEST_F(Child, a_cpu_that_does_not_exist_is_no_place) {
  const auto nowhere = shell("true", {CPU_SETSIZE - 1});
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().line, HasSubstr("cannot be started: Invalid argument"));
}

}  // namespace
}  // namespace cede::measure::compare
