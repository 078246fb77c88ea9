#include "base/log.hpp"

#include <gtest/gtest.h>

#include <cede/log.hpp>
#include <string>
#include <vector>

namespace {

std::vector<std::pair<cede::log_level, std::string>> received;

void remember(cede::log_level level, std::string_view line) { received.emplace_back(level, line); }
void other_sink(cede::log_level, std::string_view) {}

TEST(log, a_sink_receives_every_level_without_prefix) {
  received.clear();
  EXPECT_EQ(cede::set_log_sink(remember), nullptr);
  cede::base::log(cede::log_level::debug, "first");
  cede::base::log(cede::log_level::error, "second");
  EXPECT_EQ(cede::set_log_sink(nullptr), &remember);
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[0], std::pair(cede::log_level::debug, std::string("first")));
  EXPECT_EQ(received[1], std::pair(cede::log_level::error, std::string("second")));
}

TEST(log, setting_a_sink_returns_the_one_before) {
  EXPECT_EQ(cede::set_log_sink(remember), nullptr);
  EXPECT_EQ(cede::set_log_sink(other_sink), &remember);
  EXPECT_EQ(cede::set_log_sink(nullptr), &other_sink);
}

TEST(log, the_default_prints_warnings_and_errors_to_stderr) {
  testing::internal::CaptureStderr();
  cede::base::log(cede::log_level::debug, "d");
  cede::base::log(cede::log_level::info, "i");
  cede::base::log(cede::log_level::warning, "careful");
  cede::base::log(cede::log_level::error, "broken");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "cede: careful\ncede: broken\n");
}

}  // namespace
