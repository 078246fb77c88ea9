#include "context/no_preempt.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "context/test_fiber.hpp"

namespace cede::context {
namespace {

int due = 0;
std::uint32_t regions_when_due = 0;
bool pending_when_due = false;

// Lets the calling thread's word be that of a preemptive fiber.
class no_preempt_test : public ::testing::Test {
 protected:
  void SetUp() override {
    due = 0;
    set_preemption_due_handler([]() noexcept {
      ++due;
      regions_when_due = open_regions();
      pending_when_due = preemption_pending();
    });
    allow_preemption();
  }
  void TearDown() override {
    forbid_preemption();
    set_preemption_due_handler(nullptr);
  }
};

TEST(no_preempt, a_thread_is_not_preemptible_and_nothing_is_pending) {
  std::thread([] {
    EXPECT_FALSE(preemption_allowed());
    EXPECT_FALSE(preemption_pending());
    EXPECT_EQ(open_regions(), 1U);
  }).join();
}

TEST(no_preempt, on_a_thread_what_is_pending_is_never_due) {
  due = 0;
  set_preemption_due_handler([]() noexcept { ++due; });
  note_pending();
  {
    const no_preempt_region region;
  }
  EXPECT_EQ(due, 0);
  forget_pending();
  set_preemption_due_handler(nullptr);
}

TEST_F(no_preempt_test, regions_nest) {
  EXPECT_TRUE(preemption_allowed());
  {
    const no_preempt_region outer;
    {
      const no_preempt_region inner;
      EXPECT_FALSE(preemption_allowed());
    }
    EXPECT_FALSE(preemption_allowed());
  }
  EXPECT_TRUE(preemption_allowed());
  EXPECT_EQ(due, 0);
}

TEST_F(no_preempt_test, a_preemption_that_was_put_off_is_due_at_the_end_of_the_outermost_region) {
  {
    const no_preempt_region outer;
    {
      const no_preempt_region inner;
      note_pending();
      EXPECT_TRUE(preemption_pending());
      EXPECT_FALSE(preemption_allowed());
    }
    EXPECT_EQ(due, 0);
  }
  EXPECT_EQ(due, 1);
  EXPECT_EQ(regions_when_due, 0U);
  EXPECT_FALSE(pending_when_due);
  {
    const no_preempt_region later;
  }
  EXPECT_EQ(due, 1);
}

TEST_F(no_preempt_test, what_is_forgotten_is_not_due) {
  {
    const no_preempt_region region;
    note_pending();
    forget_pending();
  }
  EXPECT_EQ(due, 0);
}

TEST_F(no_preempt_test, noted_outside_of_a_region_it_is_due_at_the_end_of_the_next) {
  note_pending();
  EXPECT_TRUE(preemption_allowed());
  {
    const no_preempt_region region;
  }
  EXPECT_EQ(due, 1);
}

TEST_F(no_preempt_test, a_region_may_begin_and_end_in_different_functions) {
  hold_preemption();
  EXPECT_FALSE(preemption_allowed());
  note_pending();
  release_preemption();
  EXPECT_TRUE(preemption_allowed());
  EXPECT_EQ(due, 0);
  forget_pending();
}

TEST(no_preempt_death_test, allowing_preemption_in_a_region_is_a_bug) {
  testing::isolate_death_tests();
  EXPECT_DEATH(
      {
        const no_preempt_region region;
        allow_preemption();
      },
      "preemption was allowed in a region");
  EXPECT_DEATH(forbid_preemption(), "preemption was forbidden twice or in a region");
}

}  // namespace
}  // namespace cede::context
