#include <gtest/gtest.h>

#include <array>
#include <cede/error.hpp>
#include <cerrno>
#include <set>
#include <string>

namespace {

constexpr std::array all_codes{
    cede::errc::cancelled,         cede::errc::deadline_exceeded,  cede::errc::closed,
    cede::errc::end_of_stream,     cede::errc::nested_run,         cede::errc::not_supported,
    cede::errc::stack_unavailable, cede::errc::thread_unavailable, cede::errc::not_permitted,
    cede::errc::invalid_argument,  cede::errc::message_too_long};

TEST(error, every_code_has_a_message_of_its_own) {
  std::set<std::string> messages;
  for (const cede::errc code : all_codes) messages.insert(make_error_code(code).message());
  EXPECT_EQ(messages.size(), all_codes.size());
  EXPECT_EQ(messages.count("unknown cede error 0"), 0U);
}

TEST(error, an_unknown_code_is_named_by_its_number) {
  EXPECT_EQ(std::error_code(999, cede::error_category()).message(), "unknown cede error 999");
}

TEST(error, codes_match_the_portable_conditions_they_stand_for) {
  EXPECT_EQ(make_error_code(cede::errc::cancelled), std::errc::operation_canceled);
  EXPECT_EQ(make_error_code(cede::errc::deadline_exceeded), std::errc::timed_out);
  EXPECT_EQ(make_error_code(cede::errc::not_permitted), std::errc::operation_not_permitted);
  EXPECT_NE(make_error_code(cede::errc::end_of_stream), std::errc::timed_out);
}

TEST(error, a_result_compares_with_a_code) {
  const cede::result<int> failed = cede::failure(cede::errc::closed);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), cede::errc::closed);
  EXPECT_STREQ(failed.error().category().name(), "cede");
}

TEST(error, an_errno_keeps_the_system_category) {
  const cede::result<> failed = cede::failure_from(EMFILE);
  EXPECT_EQ(failed.error(), std::errc::too_many_files_open);
  EXPECT_EQ(failed.error().category(), std::system_category());
}

}  // namespace
