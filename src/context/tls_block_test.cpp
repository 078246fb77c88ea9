#include "context/tls_block.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "context/test_fiber.hpp"
#include "context/tls_test_fiber.hpp"

namespace {

using namespace cede::context;
using cede::context::testing::test_fiber;
using cede::context::testing::tls_test_fiber;

class tls_block_test : public ::testing::Test {
 protected:
  void SetUp() override { CEDE_SKIP_WITHOUT_OWN_TLS(); }
};

// Never inlined: the compiler may take the address of a thread_local once for a whole function, and
// these tests switch between two threads in one.
thread_local int plain = 7;
[[gnu::noinline]] int& plain_value() { return plain; }

int destroyed = 0;
struct counted {
  explicit counted(int start) : value(start) {}
  ~counted() { ++destroyed; }
  int value;
};
thread_local counted constructed(40);
[[gnu::noinline]] counted& constructed_value() { return constructed; }

TEST_F(tls_block_test, a_thread_local_is_the_fibers_own_and_starts_from_its_image) {
  plain_value() = 1;
  tls_test_fiber fiber([](tls_test_fiber& self) {
    EXPECT_EQ(plain_value(), 7);
    plain_value() = 2;
    self.park();
    EXPECT_EQ(plain_value(), 2);
  });
  fiber.resume();
  EXPECT_EQ(plain_value(), 1);
  fiber.resume();
  EXPECT_TRUE(fiber.over());
  plain_value() = 7;
}

TEST_F(tls_block_test, the_next_user_of_a_pooled_block_finds_the_image_again) {
  for (int round = 0; round < 3; ++round) {
    tls_test_fiber fiber([](tls_test_fiber&) {
      EXPECT_EQ(plain_value(), 7);
      EXPECT_EQ(constructed_value().value, 40);
      plain_value() = constructed_value().value = 99;
    });
    fiber.resume();
  }
}

TEST_F(tls_block_test, destructors_of_thread_locals_run_at_the_fibers_end_once) {
  constructed_value().value = 1;
  destroyed = 0;
  tls_test_fiber fiber([](tls_test_fiber& self) {
    EXPECT_EQ(constructed_value().value, 40);
    self.park();
  });
  fiber.resume();
  EXPECT_EQ(destroyed, 0);
  fiber.resume();
  EXPECT_EQ(destroyed, 1);
}

TEST_F(tls_block_test, errno_is_the_fibers_own) {
  errno = EINTR;
  tls_test_fiber fiber([](tls_test_fiber& self) {
    EXPECT_EQ(errno, 0);
    errno = EDOM;
    self.park();
    EXPECT_EQ(errno, EDOM);
  });
  fiber.resume();
  EXPECT_EQ(errno, EINTR);
  fiber.resume();
}

TEST_F(tls_block_test, pthread_self_is_the_block_and_equal_to_itself_only) {
  const pthread_t outside = pthread_self();
  pthread_t seen[2] = {};
  auto look = [&](pthread_t& into) {
    return [&into](tls_test_fiber& self) {
      into = pthread_self();
      self.park();
      EXPECT_TRUE(pthread_equal(into, pthread_self()));
      EXPECT_EQ(reinterpret_cast<void*>(into), self.block().thread_pointer());
    };
  };
  tls_test_fiber one(look(seen[0]));
  tls_test_fiber two(look(seen[1]));
  one.resume();
  two.resume();
  one.resume();
  two.resume();
  EXPECT_FALSE(pthread_equal(seen[0], seen[1]));
  EXPECT_FALSE(pthread_equal(seen[0], outside));
  EXPECT_TRUE(pthread_equal(outside, pthread_self()));
}

TEST_F(tls_block_test, the_block_takes_no_more_than_it_says) {
  tls_test_fiber fiber([](tls_test_fiber& self) {
    int here = 0;
    EXPECT_LT(reinterpret_cast<std::byte*>(&here), self.block().low());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(self.block().low()) % 64, 0U);
  });
  auto* pointer = static_cast<std::byte*>(fiber.block().thread_pointer());
  EXPECT_GT(pointer, fiber.block().low());
  EXPECT_LT(static_cast<std::size_t>(pointer - fiber.block().low()), tls_block_bytes());
  fiber.resume();
}

TEST_F(tls_block_test, a_slot_without_room_is_refused) {
  alignas(64) static std::byte small[4096];
  const auto block = make_tls_block({.bottom = small, .top = small + sizeof(small)});
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error(), cede::errc::invalid_argument);
}

TEST_F(tls_block_test, a_fiber_goes_on_on_another_thread_as_itself) {
  tls_test_fiber fiber([](tls_test_fiber& self) {
    plain_value() = 11;
    errno = ERANGE;
    const pthread_t before = pthread_self();
    self.park();
    EXPECT_EQ(plain_value(), 11);
    EXPECT_EQ(errno, ERANGE);
    EXPECT_TRUE(pthread_equal(before, pthread_self()));
  });
  fiber.resume();
  std::thread other([&] {
    plain_value() = 5;
    fiber.resume();
    EXPECT_EQ(plain_value(), 5);
  });
  other.join();
  EXPECT_TRUE(fiber.over());
}

TEST(tls_block_obstacle_test, where_there_are_no_blocks_a_line_says_why_and_nothing_else_happens) {
  const char* why = obstacle_to_own_tls();
  EXPECT_EQ(why, obstacle_to_own_tls()) << "probed once";
#if CEDE_ASAN || CEDE_TSAN
  ASSERT_NE(why, nullptr);
  EXPECT_NE(std::string(why).find("sanitizer"), std::string::npos) << why;
#endif
  if (why == nullptr) GTEST_SKIP() << "there are blocks here";
  EXPECT_EQ(std::string(why).find('\n'), std::string::npos);
  EXPECT_EQ(tls_block_bytes(), 0U);
  alignas(64) static std::byte memory[64 * 1024];
  const auto block = make_tls_block({.bottom = memory, .top = memory + sizeof(memory)});
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error(), cede::errc::not_supported);
}

// The thread, a fiber with its own block and a cooperative one, in a circle: each leaves to another
// than it was entered from.
struct circle {
  fiber_context cooperative;
  tls_test_fiber* owner = nullptr;
  int rounds = 0;
};

void cooperative_side(void* argument) {
  auto& all = *static_cast<circle*>(argument);
  arrived(all.cooperative);
  for (;;) {
    EXPECT_EQ(plain_value(), 100 + all.rounds);
    try {
      throw all.rounds;
    } catch (int caught) {
      switch_to(all.cooperative, all.owner->outside());
      EXPECT_EQ(caught + 1, all.rounds);
    }
  }
}

TEST_F(tls_block_test, fibers_of_both_sorts_switch_to_each_other_with_exceptions_in_flight) {
  circle all;
  auto memory = std::make_unique<std::byte[]>(tls_test_fiber::stack_bytes);
  all.cooperative.start_on(
      {.bottom = memory.get(), .top = memory.get() + tls_test_fiber::stack_bytes},
      &cooperative_side, &all);
  constexpr int rounds = 10;
  tls_test_fiber owner([&](tls_test_fiber& self) {
    plain_value() = 1;
    for (int i = 0; i < rounds; ++i) {
      try {
        throw std::to_string(i);
      } catch (const std::string& caught) {
        self.go_on_with(all.cooperative);
        EXPECT_EQ(caught, std::to_string(i));
        EXPECT_EQ(plain_value(), 1);
      }
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    }
  });
  all.owner = &owner;
  for (; all.rounds < rounds; ++all.rounds) {
    plain_value() = 100 + all.rounds;
    try {
      throw 0.5 + all.rounds;
    } catch (double caught) {
      owner.resume();
      EXPECT_EQ(caught, 0.5 + all.rounds);
    }
    EXPECT_EQ(std::current_exception(), nullptr);
  }
  owner.resume();
  EXPECT_TRUE(owner.over());
  plain_value() = 7;
  all.cooperative.destroy();
}

}  // namespace
