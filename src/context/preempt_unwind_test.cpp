// Backtraces and exceptions of a control flow that was preempted at any instruction.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "base/backtrace.hpp"
#include "context/preempt.hpp"
#include "context/registers.hpp"
#include "context/test_debugger.hpp"
#include "context/test_preemption.hpp"

extern "C" void cede_context_entry();

namespace cede::context {
namespace {

using testing::kicker;
using testing::preemptible_fiber;

class preempt_unwind : public testing::preemption_test {};

bool in_entry(const void* frame) {
  constexpr std::uintptr_t entry_bytes = 64;
  const auto entry = reinterpret_cast<std::uintptr_t>(&cede_context_entry);
  return reinterpret_cast<std::uintptr_t>(frame) - entry < entry_bytes;
}

// Prologues, epilogues, calls and returns without end.
[[gnu::noinline]] std::uint64_t fibonacci(std::uint64_t n) {
  if (n < 2) return n;
  return fibonacci(n - 1) + fibonacci(n - 2);
}

std::uintptr_t interrupted_at = 0;
const void* caller_of_loop = nullptr;

[[gnu::noinline]] void loop_until(const volatile bool& stop) {
  caller_of_loop = __builtin_return_address(0);
  while (!stop) {
  }
}

[[gnu::noinline]] void call_loop(const volatile bool& stop) {
  loop_until(stop);
  asm volatile("" : : : "memory");  // not a tail call
}

TEST_F(preempt_unwind,
       a_backtrace_goes_from_the_called_function_to_the_interrupted_and_its_caller) {
  volatile bool stop = false;
  std::array<void*, 64> frames{};
  std::size_t count = 0;
  std::uintptr_t at = 0;
  preemptible_fiber fiber([&](preemptible_fiber&) {
    const kicker kicking;
    call_loop(stop);
  });
  fiber.before_divert = [](ucontext_t& interrupted) {
    interrupted_at = program_counter(interrupted);
  };
  fiber.when_preempted = [&](preemptible_fiber& self) {
    if (stop || self.count(diversion::done) < 100) return;
    at = interrupted_at;  // more kicks come until the kicker has gone
    count = base::backtrace::capture(frames);
    stop = true;
  };
  fiber.resume();
  ASSERT_LT(count, frames.size());
  const std::span seen(frames.data(), count);
  const auto interrupted = std::ranges::find(seen, reinterpret_cast<void*>(at));
  ASSERT_NE(interrupted, seen.end());
  EXPECT_GE(interrupted - seen.begin(), 2) << "the called function and the trampoline come before";
  ASSERT_NE(interrupted + 1, seen.end());
  EXPECT_EQ(*(interrupted + 1), static_cast<const char*>(caller_of_loop) - 1);
  EXPECT_TRUE(in_entry(seen.back()));
}

TEST_F(preempt_unwind, a_backtrace_is_whole_at_whichever_instruction) {
  constexpr std::uint64_t preemptions = 500;
  std::uint64_t sum = 0;
  std::uint64_t rounds = 0;
  std::uint64_t broken = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    for (; self.count(diversion::done) < preemptions; ++rounds) sum += fibonacci(15);
  });
  fiber.before_divert = [](ucontext_t& interrupted) {
    interrupted_at = program_counter(interrupted);
  };
  fiber.when_preempted = [&](preemptible_fiber&) {
    const std::uintptr_t at = interrupted_at;
    std::array<void*, 64> frames{};
    const std::size_t count = base::backtrace::capture(frames);
    const std::span seen(frames.data(), count);
    const bool whole = count > 3 && count < frames.size() && in_entry(seen.back()) &&
                       std::ranges::find(seen, reinterpret_cast<void*>(at)) != seen.end();
    if (!whole) ++broken;
  };
  fiber.resume();
  EXPECT_EQ(broken, 0U);
  EXPECT_EQ(sum, rounds * 610);
}

TEST_F(preempt_unwind, an_exception_after_a_preemption_unwinds_the_interrupted_frames) {
  constexpr std::uint64_t preemptions = 200;
  struct counted {
    explicit counted(int& count) : count_(count) { ++count_; }
    ~counted() { --count_; }
    int& count_;
  };
  int alive = 0;
  std::uint64_t thrown = 0;
  std::uint64_t caught = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    while (self.count(diversion::done) < preemptions) {
      try {
        const counted outer(alive);
        const std::uint64_t before = self.count(diversion::done);
        const counted inner(alive);
        while (self.count(diversion::done) == before) {
        }
        ++thrown;
        throw std::runtime_error("after a preemption");
      } catch (const std::runtime_error&) {
        if (alive == 0) ++caught;
      }
    }
  });
  fiber.when_preempted = [](preemptible_fiber& self) { self.park(); };
  while (!fiber.over()) fiber.resume();
  EXPECT_GT(thrown, 0U);
  EXPECT_EQ(caught, thrown);
}

class preempt_debugger : public testing::debugger_test {
 protected:
  void SetUp() override {
    testing::debugger_test::SetUp();
    if (const char* const obstacle = obstacle_to_preemption()) GTEST_SKIP() << obstacle;
  }
};

TEST_F(preempt_debugger, DISABLED_stops_where_a_fiber_was_preempted) {
  volatile bool stop = false;
  preemptible_fiber fiber([&](preemptible_fiber&) {
    const kicker kicking;
    call_loop(stop);
  });
  fiber.when_preempted = [&](preemptible_fiber& self) {
    if (stop || self.count(diversion::done) < 2) return;
    stop = true;
    raise(SIGTRAP);
  };
  fiber.resume();
}

TEST_F(preempt_debugger, backtrace_goes_through_a_preemption_to_the_entry) {
  const std::string text =
      testing::debug("preempt_debugger.DISABLED_stops_where_a_fiber_was_preempted", "");
  expect_clean_end(text, "loop_until");
  EXPECT_NE(text.find("call_loop"), std::string::npos) << text;
}

}  // namespace
}  // namespace cede::context
