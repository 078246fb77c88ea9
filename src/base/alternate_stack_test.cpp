#include "base/alternate_stack.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <array>
#include <thread>

#include "base/sys.hpp"

namespace {

using cede::base::signals::alternate_stack;

stack_t present() {
  stack_t now{};
  EXPECT_EQ(::sigaltstack(nullptr, &now), 0);
  return now;
}

bool has_none() { return (present().ss_flags & SS_DISABLE) != 0; }

// A sanitizer may give each thread one of its own; these tests start without.
template <class Body>
void on_thread_without(Body body) {
  std::thread([&] {
    const stack_t original = present();
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    ASSERT_EQ(::sigaltstack(&none, nullptr), 0);
    body();
    ASSERT_EQ(::sigaltstack(&original, nullptr), 0);
  }).join();
}

TEST(alternate_stack, lasts_as_long_as_the_object) {
  on_thread_without([] {
    {
      const alternate_stack own;
      EXPECT_FALSE(own.error());
      EXPECT_FALSE(has_none());
      EXPECT_GE(present().ss_size, std::size_t{64} << 10);
      EXPECT_GE(present().ss_size, 4 * ::getauxval(AT_MINSIGSTKSZ));
    }
    EXPECT_TRUE(has_none());
  });
}

TEST(alternate_stack, keeps_one_that_is_there) {
  on_thread_without([] {
    const alternate_stack first;
    const void* const stack = present().ss_sp;
    {
      const alternate_stack second;
      EXPECT_EQ(present().ss_sp, stack);
    }
    EXPECT_EQ(present().ss_sp, stack);
  });
}

TEST(alternate_stack, leaves_one_that_was_set_later) {
  on_thread_without([] {
    static std::array<std::byte, 65536> later_memory;
    const stack_t later{.ss_sp = later_memory.data(), .ss_flags = 0, .ss_size = 65536};
    {
      const alternate_stack own;
      ASSERT_EQ(::sigaltstack(&later, nullptr), 0);
    }
    EXPECT_EQ(present().ss_sp, later_memory.data());
  });
}

class no_memory : public cede::base::sys::fault_hook {
  cede::base::sys::fault on_call(cede::base::sys::call which, int) noexcept override {
    return {.error = which == cede::base::sys::call::mmap ? ENOMEM : 0};
  }
};

TEST(alternate_stack, says_why_there_is_none) {
  on_thread_without([] {
    no_memory fault;
    const cede::base::sys::fault_injection injection(fault);
    const alternate_stack own;
    EXPECT_EQ(own.error(), std::errc::not_enough_memory);
    EXPECT_TRUE(has_none());
  });
}

}  // namespace
