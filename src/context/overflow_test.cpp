#include "context/overflow.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>

#include "base/alternate_stack.hpp"
#include "base/signals.hpp"
#include "context/stack.hpp"
#include "context/test_fiber.hpp"

namespace cede::context {
namespace {

using testing::test_fiber;

void name_it(const stack_slot&, char* buffer, std::size_t size) noexcept {
  std::snprintf(buffer, size, "greedy");
}

[[gnu::noinline]] int descend(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  if (depth < 0) return 0;
  const int below = descend(depth + 1);
  return below + frame[0];
}

[[noreturn]] void run_in_fiber(const stack_slot& slot, const std::function<void()>& body) {
  const base::signals::alternate_stack alternate;
  install_overflow_reporter(&name_it);
  test_fiber fiber(slot, [&](test_fiber&) { body(); });
  fiber.resume();
  _exit(0);
}

void recurse_without_end() {
  volatile int result = descend(0);
  (void)result;
}

class overflow_death_test : public ::testing::Test {
 protected:
  void SetUp() override { testing::isolate_death_tests(); }
  void TearDown() override { stack_pool::instance().release(slot_); }

  // In the parent: a forked child may not allocate.
  const stack_slot& stack(std::size_t bytes) {
    if (slot_) stack_pool::instance().release(slot_);
    slot_ = stack_pool::instance().allocate(bytes).value();
    return slot_;
  }

 private:
  stack_slot slot_;
};

TEST_F(overflow_death_test, names_the_fiber_and_its_stack_size) {
  const stack_slot& slot = stack(64 * 1024);
  EXPECT_EXIT(run_in_fiber(slot, recurse_without_end), ::testing::KilledBySignal(SIGABRT),
              "cede: fiber 'greedy' overflowed its 64 KiB stack\n");
}

TEST_F(overflow_death_test, names_larger_stacks_too) {
  const stack_slot& slot = stack(256 * 1024);
  EXPECT_EXIT(run_in_fiber(slot, recurse_without_end), ::testing::KilledBySignal(SIGABRT),
              "cede: fiber 'greedy' overflowed its 256 KiB stack\n");
}

TEST_F(overflow_death_test, shows_where_it_happened) {
  if (!CEDE_HAVE_LIBDW) GTEST_SKIP() << "symbols are looked up by a library this build lacks";
  const stack_slot& slot = stack(64 * 1024);
  EXPECT_EXIT(run_in_fiber(slot, recurse_without_end), ::testing::KilledBySignal(SIGABRT),
              "#[0-9]+ .*descend");
}

TEST_F(overflow_death_test, a_frame_larger_than_the_rest_of_the_stack_is_reported_too) {
  const stack_slot& slot = stack(1024 * 1024);
  auto touch_guard = [&slot] {
    volatile auto* far = slot.bottom - guard_bytes(slot.size_class) + 100;
    asm volatile("" : "+r"(far));
    *far = std::byte{1};
  };
  EXPECT_EXIT(run_in_fiber(slot, touch_guard), ::testing::KilledBySignal(SIGABRT),
              "overflowed its 1024 KiB stack");
}

TEST_F(overflow_death_test, other_faults_go_to_whoever_handled_them_before) {
  const stack_slot& slot = stack(64 * 1024);
  auto fault_elsewhere = [&slot] {
    base::signals::set_fault_handler([](int, siginfo_t*, void*) noexcept -> bool {
      constexpr char text[] = "asked the earlier handler\n";
      (void)!write(STDERR_FILENO, text, sizeof text - 1);
      _exit(3);
    });
    run_in_fiber(slot, [] {
      volatile auto* nowhere = reinterpret_cast<char*>(64);
      asm volatile("" : "+r"(nowhere));
      *nowhere = 1;
    });
  };
  EXPECT_EXIT(fault_elsewhere(), ::testing::ExitedWithCode(3), "asked the earlier handler");
}

}  // namespace
}  // namespace cede::context
