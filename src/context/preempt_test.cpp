// What holds of preemption on every processor that has it. That registers survive is tested in
// <arch>/preempt_test.cpp.
#include "context/preempt.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/sanitizers.hpp"
#include "base/signals.hpp"
#include "context/registers.hpp"
#include "context/test_preemption.hpp"

namespace cede::context {
namespace {

using testing::kicker;
using testing::preemptible_fiber;

class preempt : public testing::preemption_test {};

constexpr std::uint64_t many = 1000;

// Spins until so many preemptions came, with nothing that waits or calls.
void spin_until(const preemptible_fiber& self, std::uint64_t preemptions) {
  while (self.count(diversion::done) < preemptions) {
  }
}

TEST(obstacle_to_preemption, is_the_same_each_time_and_names_what_to_do_or_why) {
  const char* const obstacle = obstacle_to_preemption();
  EXPECT_EQ(obstacle, obstacle_to_preemption());
  if (obstacle == nullptr) {
    EXPECT_GT(room_for_preemption(), entry_allowance);
  } else {
    EXPECT_GT(std::string(obstacle).size(), 20U);
  }
  if (CEDE_ASAN || CEDE_TSAN) {
    EXPECT_NE(obstacle, nullptr);
  }
}

TEST_F(preempt, calls_the_function_once_for_each_kick_that_is_done) {
  std::uint64_t calls = 0;
  preemptible_fiber fiber([](preemptible_fiber& self) {
    const kicker kicking;
    spin_until(self, many);
  });
  fiber.when_preempted = [&](preemptible_fiber&) { ++calls; };
  fiber.resume();
  EXPECT_TRUE(fiber.over());
  EXPECT_GE(calls, many);
  EXPECT_EQ(calls, fiber.count(diversion::done));
}

TEST_F(preempt, the_function_runs_on_the_interrupted_stack_and_may_park) {
  bool inside = true;
  std::uint64_t resumed = 0;
  preemptible_fiber fiber([](preemptible_fiber& self) {
    const kicker kicking;
    spin_until(self, 300);
  });
  fiber.when_preempted = [&](preemptible_fiber& self) {
    const auto* const here = static_cast<const std::byte*>(__builtin_frame_address(0));
    inside = inside && here > self.stack.bottom && here < self.stack.top;
    self.park();
  };
  while (!fiber.over()) {
    fiber.resume();
    ++resumed;
  }
  EXPECT_TRUE(inside);
  EXPECT_EQ(resumed, fiber.count(diversion::done) + 1);
}

// Schedulers prevent it, to save stack; but there is a moment when nothing does, before the
// trampoline goes back.
TEST_F(preempt, may_be_preempted_itself) {
  std::uint64_t nested = 0;
  std::uint64_t sum = 0;
  std::uint64_t rounds = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    while (nested < 20) {
      sum += self.count(diversion::no_room) + 3;
      ++rounds;
    }
  });
  int depth = 0;
  fiber.may_nest = true;
  fiber.when_preempted = [&](preemptible_fiber& self) {
    const std::uint64_t before = self.count(diversion::done);
    ++depth;
    while (depth < 3 && self.count(diversion::done) == before) {
    }
    if (depth > 1) ++nested;
    --depth;
  };
  fiber.resume();
  EXPECT_EQ(sum, rounds * 3);
  EXPECT_EQ(depth, 0);
}

TEST_F(preempt, goes_on_on_another_thread) {
  std::atomic<bool> stop = false;
  pid_t began = 0;
  pid_t ended = 0;
  preemptible_fiber fiber([&](preemptible_fiber&) {
    began = gettid();
    base::signals::kick(began);
    while (!stop) {
    }
    ended = gettid();
  });
  fiber.when_preempted = [](preemptible_fiber& self) { self.park(); };
  fiber.resume();
  ASSERT_FALSE(fiber.over());
  stop = true;
  pid_t other = 0;
  std::thread([&] {
    other = gettid();
    fiber.resume();
  }).join();
  EXPECT_TRUE(fiber.over());
  EXPECT_EQ(began, gettid());
  EXPECT_EQ(ended, other);
}

TEST_F(preempt, wanders_between_threads_and_loses_nothing) {
  constexpr std::uint64_t rounds = 200;
  std::uint64_t sum = 0;
  std::uint64_t last = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    for (std::uint64_t i = 0; self.count(diversion::done) < rounds; ++i) {
      sum += i * i;
      last = i;
    }
  });
  fiber.when_preempted = [](preemptible_fiber& self) { self.park(); };
  while (!fiber.over()) {
    std::thread([&] {
      const base::signals::alternate_stack handler_stack;
      const kicker kicking;  // this very thread, on its own stack or on the fiber's
      fiber.resume();
    }).join();
  }
  std::uint64_t right = 0;
  for (std::uint64_t i = 0; i <= last; ++i) right += i * i;
  EXPECT_EQ(sum, right);
}

// Both threads need processors, so on a busy machine this takes its time.
void preempt_from_another_thread(std::uint64_t times) {
  std::uint64_t calls = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const testing::kicking_thread kicking(self);
    spin_until(self, times);
  });
  fiber.when_preempted = [&](preemptible_fiber&) { ++calls; };
  fiber.resume();
  EXPECT_GE(calls, times);
  EXPECT_EQ(calls, fiber.count(diversion::done));
}

TEST_F(preempt, kicks_from_another_thread_arrive) { preempt_from_another_thread(100); }

TEST_F(preempt, nightly_many_kicks_from_another_thread_arrive) {
  preempt_from_another_thread(20'000);
}

TEST_F(preempt, leaves_errno_and_the_signal_mask_as_they_were) {
  int last_errno = 0;
  const sigset_t before = testing::present_mask();
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    errno = 42;
    spin_until(self, 100);
    last_errno = errno;
  });
  bool same_inside = true;
  fiber.when_preempted = [&](preemptible_fiber&) {
    errno = 7;
    const sigset_t inside = testing::present_mask();
    same_inside = same_inside && std::memcmp(&inside, &before, sizeof(before)) == 0;
  };
  fiber.resume();
  const sigset_t after = testing::present_mask();
  EXPECT_EQ(last_errno, 42);
  EXPECT_TRUE(same_inside);
  EXPECT_EQ(std::memcmp(&after, &before, sizeof(before)), 0);
}

TEST_F(preempt, is_put_off_while_the_code_has_changed_the_signal_mask) {
  preemptible_fiber fiber([](preemptible_fiber& self) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    const std::uint64_t before = self.count(diversion::done);
    {
      const kicker kicking;
      while (self.count(diversion::changed_mask) < 100) {
      }
    }
    EXPECT_EQ(self.count(diversion::done), before);
    pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
    const kicker kicking;
    spin_until(self, 1);
  });
  fiber.resume();
}

TEST_F(preempt, is_refused_on_another_stack) {
  preemptible_fiber fiber([](preemptible_fiber& self) {
    base::signals::kick(gettid());
    EXPECT_EQ(self.count(diversion::done), 1U);
    self.park();
  });
  fiber.resume();
  base::signals::kick(gettid());
  EXPECT_EQ(fiber.count(diversion::other_stack), 1U);
  fiber.resume();
  EXPECT_EQ(fiber.count(diversion::done), 1U);
}

// Kicks itself with so many bytes between stack pointer and the stack's end, as told to divert.
diversion preempt_with_room(std::size_t room) {
  diversion outcome = diversion::unsupported;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    static std::size_t wanted;
    wanted = room;
    self.before_divert = [](ucontext_t& interrupted) {
      const auto* const sp = reinterpret_cast<const std::byte*>(stack_pointer(interrupted));
      preemptible_fiber::current->stack.bottom = sp - wanted;
    };
    constexpr std::ptrdiff_t own_frames = 4096;
    auto* const stack = const_cast<std::byte*>(self.stack.bottom);
    auto* const unused = static_cast<std::byte*>(__builtin_frame_address(0)) - own_frames;
    std::fill(stack, unused, std::byte{0xa5});
    base::signals::kick(gettid());
    // What lies below the end that divert was told of is untouched.
    const auto* const end = std::min<const std::byte*>(unused, self.stack.bottom);
    EXPECT_EQ(std::count(static_cast<const std::byte*>(stack), end, std::byte{0xa5}), end - stack);
    for (const auto what : {diversion::done, diversion::no_room})
      if (self.count(what) == 1) outcome = what;
  });
  fiber.resume();
  return outcome;
}

TEST_F(preempt, needs_room_and_writes_nothing_below_it) {
  const std::size_t needed = room_for_preemption();
  EXPECT_EQ(preempt_with_room(needed), diversion::done);
  EXPECT_EQ(preempt_with_room(needed - 1), diversion::no_room);
  EXPECT_EQ(preempt_with_room(0), diversion::no_room);
}

TEST_F(preempt, a_blocked_read_goes_on_waiting) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  char got = 0;
  ssize_t outcome = 0;
  bool written = false;
  preemptible_fiber fiber([&](preemptible_fiber&) {
    const kicker kicking;
    outcome = ::read(pipe[0], &got, 1);
  });
  fiber.when_preempted = [&](preemptible_fiber& self) {
    if (self.count(diversion::done) < 200 || written) return;
    written = true;
    ASSERT_EQ(::write(pipe[1], "x", 1), 1);
  };
  fiber.resume();
  EXPECT_EQ(outcome, 1);
  EXPECT_EQ(got, 'x');
  for (const int fd : pipe) ::close(fd);
}

TEST_F(preempt, exceptions_and_memory_allocation_are_right_under_kicks) {
  std::uint64_t caught = 0;
  std::uint64_t thrown = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    while (self.count(diversion::done) < many) {
      auto text = std::make_unique<std::string>(static_cast<std::size_t>(thrown % 300), 'x');
      try {
        ++thrown;
        throw std::runtime_error(*text);
      } catch (const std::runtime_error& error) {
        if (*text == error.what()) ++caught;
      }
    }
  });
  // Parks, but never inside of malloc's lock for somebody else: nobody else is there.
  fiber.when_preempted = [](preemptible_fiber& self) { self.park(); };
  while (!fiber.over()) fiber.resume();
  EXPECT_EQ(caught, thrown);
}

}  // namespace
}  // namespace cede::context
