#include "base/assert.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstring>
#include <string>

#include "base/line_buffer.hpp"

namespace {

void name_of_fiber(char* buffer, std::size_t size) noexcept {
  std::strncpy(buffer, "fiber 'acceptor'", size - 1);
}

void no_fiber(char*, std::size_t) noexcept {}

TEST(assert, a_kept_contract_does_nothing) {
  int evaluations = 0;
  CEDE_REQUIRE(++evaluations == 1, "not printed");
  EXPECT_EQ(evaluations, 1);
}

TEST(assert_death_test, a_broken_contract_names_the_fiber_the_file_and_the_line) {
  const auto broken = [] {
    cede::base::set_current_name_hook(name_of_fiber);
    CEDE_REQUIRE(1 + 1 == 3, "sum: wrong");
  };
  EXPECT_DEATH(broken(), "^cede: sum: wrong \\(fiber 'acceptor', .*assert_test.cpp:[0-9]+\\)\n");
}

TEST(assert_death_test, outside_fibers_the_thread_is_named) {
  const auto broken = [] {
    ::pthread_setname_np(::pthread_self(), "plain");
    cede::base::set_current_name_hook(no_fiber);
    cede::base::contract_failure("oops");
  };
  EXPECT_DEATH(broken(), "cede: oops \\(thread 'plain', ");
}

TEST(assert_death_test, a_debug_assertion_holds_in_debug_builds_only) {
  EXPECT_DEBUG_DEATH(CEDE_ASSERT(false, "debug only"), "cede: debug only");
}

TEST(line_buffer, joins_text_and_numbers) {
  cede::base::line_buffer<64> text;
  text.append("0x").append(255U, 16).append(" of ").append(10U);
  EXPECT_EQ(text.view(), "0xff of 10");
}

TEST(line_buffer, cuts_what_does_not_fit_but_keeps_the_line_end) {
  cede::base::line_buffer<8> text;
  text.append("0123456789").append(7U);
  EXPECT_EQ(text.line(), "0123456\n");
}

}  // namespace
