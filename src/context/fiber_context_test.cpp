#include "context/fiber_context.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "context/machine.hpp"
#include "context/test_fiber.hpp"

namespace cede::context {
namespace {

using testing::test_fiber;

TEST(fiber_context, runs_its_entry_on_its_own_stack_and_comes_back) {
  int local = 0;
  std::uintptr_t inside = 0;
  test_fiber fiber([&](test_fiber&) {
    int there = 0;
    inside = reinterpret_cast<std::uintptr_t>(&there);
    local = 1;
  });
  EXPECT_EQ(local, 0);
  fiber.resume();
  EXPECT_EQ(local, 1);
  EXPECT_TRUE(fiber.over());
  EXPECT_NE(inside, 0U);
}

TEST(fiber_context, resumes_where_it_parked) {
  std::vector<int> order;
  test_fiber fiber([&](test_fiber& self) {
    order.push_back(1);
    self.park();
    order.push_back(3);
    self.park();
    order.push_back(5);
  });
  fiber.resume();
  order.push_back(2);
  fiber.resume();
  order.push_back(4);
  fiber.resume();
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4, 5}));
}

TEST(fiber_context, switches_directly_from_fiber_to_fiber) {
  std::vector<int> order;
  test_fiber* second = nullptr;
  test_fiber first([&](test_fiber& self) {
    order.push_back(1);
    switch_to(self.context(), second->context());
    order.push_back(3);
  });
  test_fiber other([&](test_fiber& self) {
    order.push_back(2);
    switch_to(self.context(), first.context());
    order.push_back(4);
  });
  second = &other;
  first.resume();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  other.resume();
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST(fiber_context, stack_is_aligned_as_a_call_requires) {
  std::uintptr_t misalignment = 1;
  test_fiber fiber([&](test_fiber&) {
    alignas(16) volatile char aligned[16] = {};
    misalignment = reinterpret_cast<std::uintptr_t>(&aligned) % 16;
  });
  fiber.resume();
  EXPECT_EQ(misalignment, 0U);
}

TEST(fiber_context, throws_and_catches_within_a_fiber) {
  std::string caught;
  test_fiber fiber([&](test_fiber& self) {
    try {
      self.park();
      throw std::runtime_error("inside");
    } catch (const std::exception& error) {
      caught = error.what();
    }
  });
  fiber.resume();
  fiber.resume();
  EXPECT_EQ(caught, "inside");
}

TEST(fiber_context, a_switch_inside_a_catch_block_keeps_each_sides_exception) {
  std::vector<std::string> seen;
  auto body = [&seen](const char* name) {
    return [&seen, name](test_fiber& self) {
      try {
        throw std::runtime_error(name);
      } catch (const std::exception&) {
        self.park();
        try {
          throw;
        } catch (const std::exception& again) {
          seen.emplace_back(again.what());
        }
      }
      EXPECT_EQ(std::current_exception(), nullptr);
    };
  };
  test_fiber one(body("one"));
  test_fiber two(body("two"));
  one.resume();
  EXPECT_EQ(std::current_exception(), nullptr) << "a parked fiber's exception leaked to its thread";
  two.resume();
  one.resume();
  two.resume();
  EXPECT_EQ(seen, (std::vector<std::string>{"one", "two"}));
}

TEST(fiber_context, a_switch_while_unwinding_keeps_the_count_of_uncaught_exceptions) {
  struct parks_when_destroyed {
    test_fiber& self;
    int& count;
    ~parks_when_destroyed() {
      self.park();
      count = std::uncaught_exceptions();
    }
  };
  int count = 0;
  test_fiber fiber([&](test_fiber& self) {
    try {
      parks_when_destroyed guard{self, count};
      throw 1;
    } catch (int) {
    }
  });
  fiber.resume();
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  fiber.resume();
  EXPECT_EQ(count, 1);
  EXPECT_TRUE(fiber.over());
}

TEST(fiber_context, an_exception_in_the_thread_does_not_reach_a_fiber) {
  std::exception_ptr in_fiber = std::make_exception_ptr(0);
  test_fiber fiber([&](test_fiber& self) {
    in_fiber = std::current_exception();
    self.park();
  });
  try {
    throw 1;
  } catch (int value) {
    fiber.resume();
    EXPECT_NE(std::current_exception(), nullptr);
    EXPECT_EQ(value, 1);
  }
  EXPECT_EQ(in_fiber, nullptr);
  fiber.resume();
}

TEST(fiber_context, rounding_mode_stays_with_its_context) {
  int after_park = -1;
  test_fiber fiber([&](test_fiber& self) {
    std::fesetround(FE_UPWARD);
    self.park();
    after_park = std::fegetround();
  });
  fiber.resume();
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  std::fesetround(FE_DOWNWARD);
  fiber.resume();
  EXPECT_EQ(std::fegetround(), FE_DOWNWARD);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(after_park, FE_UPWARD);
}

TEST(fiber_context, a_fiber_starts_with_its_creators_rounding_mode) {
  int at_start = -1;
  std::fesetround(FE_TOWARDZERO);
  test_fiber fiber([&](test_fiber&) { at_start = std::fegetround(); });
  std::fesetround(FE_TONEAREST);
  fiber.resume();
  EXPECT_EQ(at_start, FE_TOWARDZERO);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(fiber_context, a_rounding_mode_does_not_leak_between_fibers) {
  int in_second = -1;
  test_fiber first([&](test_fiber& self) {
    std::fesetround(FE_UPWARD);
    self.park();
  });
  test_fiber second([&](test_fiber&) { in_second = std::fegetround(); });
  first.resume();
  second.resume();
  EXPECT_EQ(in_second, FE_TONEAREST);
  first.resume();
}

TEST(fiber_context, this_machine_can_switch) {
  EXPECT_EQ(obstacle_to_switching(), nullptr) << obstacle_to_switching();
}

struct below_a_place {
  fiber_context outside;
  fiber_context fiber;
};

TEST(fiber_context, leaves_the_place_above_its_top_alone) {
  constexpr std::size_t bytes = 64 * 1024;
  constexpr std::size_t place = 1000;
  auto memory = std::make_unique<std::byte[]>(bytes);
  const stack_slot slot{.bottom = memory.get(), .top = memory.get() + bytes};
  below_a_place one;
  one.fiber.start_below(
      slot, slot.top - place,
      [](void* argument) {
        auto& self = *static_cast<below_a_place*>(argument);
        arrived(self.fiber);
        switch_final(self.fiber, self.outside);
      },
      &one);
  switch_to(one.outside, one.fiber);
  one.fiber.destroy();
  for (std::size_t i = 1; i <= place; ++i) ASSERT_EQ(*(slot.top - i), std::byte{0});
}

TEST(fiber_context, a_context_starts_again_after_it_was_destroyed) {
  int runs = 0;
  auto memory = std::make_unique<std::byte[]>(64 * 1024);
  stack_slot slot{.bottom = memory.get(), .top = memory.get() + 64 * 1024};
  for (int i = 0; i < 100; ++i) {
    test_fiber fiber(slot, [&](test_fiber& self) {
      ++runs;
      self.park();
      ++runs;
    });
    fiber.resume();
    fiber.resume();
  }
  EXPECT_EQ(runs, 200);
}

}  // namespace
}  // namespace cede::context
