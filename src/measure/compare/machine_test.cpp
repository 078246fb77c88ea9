#include "measure/compare/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> texts(const machine_use& use) {
  std::vector<std::string> list;
  for (const report::warning& one : warnings_about(use)) list.push_back(one.text);
  return list;
}

TEST(Machine, a_quiet_one_gives_no_warning) {
  EXPECT_THAT(texts({.busy_before = 0.03, .cpus = 2, .seconds = 100, .others_seconds = 2}),
              IsEmpty());
}

TEST(Machine, what_others_did_meanwhile_is_said) {
  EXPECT_THAT(texts({.cpus = 2, .seconds = 100, .others_seconds = 50}),
              ElementsAre(HasSubstr("other processes used 25 % of the CPUs")));
}

TEST(Machine, what_others_did_just_before_is_said) {
  EXPECT_THAT(texts({.busy_before = 0.5, .cpus = 2, .seconds = 1}),
              ElementsAre(HasSubstr("used 50 % of the CPUs just before")));
}

TEST(Machine, stolen_time_is_said) {
  EXPECT_THAT(texts({.cpus = 1, .seconds = 100, .stolen_seconds = 10}),
              ElementsAre(HasSubstr("10 % of the CPU time to other guests")));
}

TEST(Machine, no_time_at_all_is_no_division_by_zero) {
  EXPECT_THAT(texts({.cpus = 2, .others_seconds = 1}), SizeIs(1));
}

TEST(Machine, its_facts_are_there) {
  const report::machine_facts facts = facts_of_this_machine("1.2.3");
  EXPECT_FALSE(facts.cpu_model.empty());
  EXPECT_GE(facts.cpus, 1U);
  EXPECT_GE(facts.cpus_online, 1U);
  EXPECT_GE(facts.memory_bytes, 1U << 20);
  EXPECT_THAT(facts.kernel, HasSubstr("Linux"));
  EXPECT_THAT(facts.libc, HasSubstr("glibc"));
  EXPECT_EQ(facts.cede_version, "1.2.3");
  EXPECT_THAT(facts.date, testing::MatchesRegex("....-..-..T..:..:..Z"));
}

TEST(Machine, a_watch_sees_time_pass) {
  const machine_watch watch(std::chrono::milliseconds(1));
  const machine_use use = watch.so_far();
  EXPECT_GE(use.seconds, 0);
  EXPECT_GE(use.others_seconds, 0);
  EXPECT_GE(use.stolen_seconds, 0);
  EXPECT_GE(use.cpus, 1U);
}

}  // namespace
}  // namespace cede::measure::compare
