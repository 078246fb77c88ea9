// For this layer's tests of unwinding: what gdb makes of a disabled test that stops by SIGTRAP.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "base/sanitizers.hpp"

namespace cede::context::testing {

inline std::string output_of(const std::string& command) {
  std::string text;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::array<char, 4096> part;
  while (pipe && std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  return text;
}

// Runs one of the disabled tests, which are no tests by themselves, until it stops in gdb. All
// other signals are the program's own.
inline std::string debug(const std::string& test, const std::string& commands) {
  std::array<char, 4096> self{};
  if (readlink("/proc/self/exe", self.data(), self.size() - 1) <= 0) return {};
  return output_of(
      "gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'handle all nostop noprint pass' "
      "-ex run " +
      commands + " -ex bt --args " + std::string(self.data()) +
      " --gtest_also_run_disabled_tests --gtest_filter=" + test + " 2>&1 </dev/null");
}

class debugger_test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CEDE_ASAN || CEDE_TSAN) GTEST_SKIP() << "a sanitizer and a debugger share no process";
  }

  // The backtrace names `function` and ends at the context's entry.
  static void expect_clean_end(const std::string& text, const std::string& function) {
    if (text.find("SIGTRAP") == std::string::npos) GTEST_SKIP() << "no debugger works here";
    const std::size_t entry = text.find(" in cede_context_entry ");
    ASSERT_NE(entry, std::string::npos) << text;
    EXPECT_EQ(text.find("\n#", entry), std::string::npos) << "frames above the entry:\n" << text;
    EXPECT_EQ(text.find("Backtrace stopped"), std::string::npos) << text;
    EXPECT_NE(text.find(function), std::string::npos) << text;
  }
};

}  // namespace cede::context::testing
