// Where a walk up a fiber's stack ends.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <span>
#include <string>

#include "base/backtrace.hpp"
#include "context/test_debugger.hpp"
#include "context/test_fiber.hpp"

extern "C" void cede_context_entry();

// Where the debugger finds a parked fiber.
cede::context::continuation cede_test_parked;

namespace cede::context {
namespace {

using testing::test_fiber;

bool in_entry(const void* frame) {
  constexpr std::uintptr_t entry_bytes = 64;
  const auto entry = reinterpret_cast<std::uintptr_t>(&cede_context_entry);
  return reinterpret_cast<std::uintptr_t>(frame) - entry < entry_bytes;
}

[[gnu::noinline]] std::size_t capture_deeper(int levels, std::span<void*> frames) {
  if (levels == 0) return base::backtrace::capture(frames);
  const std::size_t count = capture_deeper(levels - 1, frames);
  asm volatile("" : : "r"(frames.data()) : "memory");  // not a tail call
  return count;
}

TEST(unwind, a_backtrace_ends_at_the_entry) {
  std::array<void*, 64> frames{};
  std::size_t count = 0;
  test_fiber fiber([&](test_fiber& self) {
    self.park();
    count = capture_deeper(5, frames);
  });
  fiber.resume();
  fiber.resume();
  ASSERT_GT(count, 6U);
  ASSERT_LT(count, frames.size());
  EXPECT_TRUE(in_entry(frames[count - 1]));
}

TEST(unwind, a_signal_handlers_backtrace_ends_at_the_entry_too) {
  static std::array<void*, 64> frames;
  static std::size_t count = 0;
  struct sigaction action{};
  struct sigaction before{};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    count = base::backtrace::capture_from(context, frames);
  };
  sigaction(SIGUSR1, &action, &before);
  test_fiber fiber([&](test_fiber&) { raise(SIGUSR1); });
  fiber.resume();
  sigaction(SIGUSR1, &before, nullptr);
  ASSERT_GT(count, 1U);
  ASSERT_LT(count, frames.size());
  EXPECT_TRUE(in_entry(frames[count - 1]));
}

TEST(unwind_death_test, an_exception_that_leaves_the_entry_terminates) {
  testing::isolate_death_tests();
  EXPECT_DEATH(
      {
        test_fiber fiber([](test_fiber&) { throw 1; });
        fiber.resume();
      },
      "terminate called after throwing an instance of 'int'");
}

class debugger : public testing::debugger_test {};

[[gnu::noinline]] void park_deep_inside(test_fiber* self) {
  if (self == nullptr)
    raise(SIGTRAP);
  else
    self->park();
  asm volatile("" : : : "memory");  // not a tail call
}

TEST_F(debugger, DISABLED_stops_in_a_fiber) {
  test_fiber fiber([](test_fiber&) { park_deep_inside(nullptr); });
  fiber.resume();
}

TEST_F(debugger, backtrace_of_the_running_fiber_ends_at_the_entry) {
  expect_clean_end(testing::debug("debugger.DISABLED_stops_in_a_fiber", ""), "park_deep_inside");
}

TEST_F(debugger, DISABLED_stops_beside_a_parked_fiber) {
  test_fiber fiber([](test_fiber& self) { park_deep_inside(&self); });
  fiber.resume();
  cede_test_parked = fiber.context().where();
  raise(SIGTRAP);
  fiber.resume();
}

TEST_F(debugger, backtrace_of_a_parked_fiber_ends_at_the_entry) {
  // A name that the processor does not have becomes a variable of gdb's, which does no harm.
  expect_clean_end(
      testing::debug("debugger.DISABLED_stops_beside_a_parked_fiber",
                     "-ex 'set $at = cede_test_parked' -ex 'set $rbp = $at.fp' "
                     "-ex 'set $x29 = $at.fp' -ex 'set $sp = $at.sp' -ex 'set $pc = $at.pc'"),
      "park_deep_inside");
}

}  // namespace
}  // namespace cede::context
