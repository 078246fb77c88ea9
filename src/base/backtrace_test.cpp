#include "base/backtrace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include "base/alternate_stack.hpp"
#include "base/symbols.hpp"

namespace {

namespace backtrace = cede::base::backtrace;
using testing::HasSubstr;

std::array<void*, 64> frames;
std::size_t frame_count = 0;

std::span<void* const> captured() { return std::span(frames).first(frame_count); }

}  // namespace

// With external linkage and never inlined, so that the names are the same in every build.
namespace backtrace_test {

[[gnu::noinline]] void innermost() {
  frame_count = backtrace::capture(frames);
  asm volatile("");  // keeps the call from becoming a jump
}

[[gnu::noinline]] void outer() {
  innermost();
  asm volatile("");
}

[[gnu::noinline]] void interrupted_function() {
  ::raise(SIGUSR2);
  asm volatile("");
}

}  // namespace backtrace_test

namespace {

// By address, which needs no symbols; the functions are short.
bool lies_in(void* frame, void (*function)()) {
  const auto begin = reinterpret_cast<std::uintptr_t>(function);
  const auto where = reinterpret_cast<std::uintptr_t>(frame);
  return where > begin && where < begin + 512;
}

TEST(backtrace, holds_the_callers_innermost_first) {
  backtrace_test::outer();
  ASSERT_GE(frame_count, 3U);
  EXPECT_TRUE(lies_in(frames[0], backtrace_test::innermost));
  EXPECT_TRUE(lies_in(frames[1], backtrace_test::outer));
}

#if CEDE_HAVE_LIBDW
TEST(backtrace, names_the_functions) {
  backtrace_test::outer();
  const std::string text = backtrace::symbolize(captured());
  EXPECT_THAT(text, testing::StartsWith("#0 backtrace_test::innermost()"));
  EXPECT_THAT(text, HasSubstr("\n#1 backtrace_test::outer()"));
}

#if !defined(NDEBUG)
TEST(backtrace, names_file_and_line_where_debug_information_is_there) {
  backtrace_test::outer();
  EXPECT_THAT(backtrace::symbolize(captured()),
              testing::ContainsRegex("#0 [^\n]* at [^\n]*backtrace_test.cpp:[0-9]+\n"));
}
#endif
#endif

TEST(backtrace, no_more_frames_than_there_is_room_for) {
  std::array<void*, 2> two{};
  EXPECT_EQ(backtrace::capture(two), 2U);
  EXPECT_EQ(backtrace::capture({}), 0U);
}

void capture_in_handler(int, siginfo_t*, void* context) {
  frame_count = backtrace::capture_from(context, frames);
}

TEST(backtrace, of_a_signal_starts_at_what_it_interrupted) {
  const cede::base::signals::alternate_stack stack;
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = capture_in_handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
  frame_count = 0;
  backtrace_test::interrupted_function();
  ::sigaction(SIGUSR2, &before, nullptr);
  // Above the interrupted instruction itself there is nothing but raise() and what it calls.
  const auto found = std::ranges::find_if(
      captured(), [](void* frame) { return lies_in(frame, backtrace_test::interrupted_function); });
  EXPECT_NE(found, captured().end());
  const auto in_handler = [](void* frame) {
    return lies_in(frame, reinterpret_cast<void (*)()>(capture_in_handler));
  };
  EXPECT_TRUE(std::ranges::none_of(captured(), in_handler));
}

TEST(backtrace, an_address_without_a_name_is_still_a_line) {
  const std::array<void*, 1> nowhere{reinterpret_cast<void*>(0x10)};
  EXPECT_EQ(backtrace::symbolize(nowhere), "#0 ? in 0x10\n");
  EXPECT_EQ(backtrace::symbolize({}), "");
}

std::string printed(std::span<void* const> what) {
  std::FILE* const file = std::tmpfile();
  backtrace::print(::fileno(file), what);
  std::rewind(file);
  std::string text(8192, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

TEST(backtrace, print_writes_what_symbolize_gives) {
  if (CEDE_EMULATED) GTEST_SKIP() << "qemu-user has no clone of the kind that print uses";
  backtrace_test::outer();
  EXPECT_EQ(printed(captured()), backtrace::symbolize(captured()));
}

TEST(backtrace, mangled_names_become_readable) {
  EXPECT_EQ(backtrace::demangled("_ZN4cede3runEv"), "cede::run()");
  EXPECT_EQ(backtrace::demangled("main"), "main");
}

}  // namespace
