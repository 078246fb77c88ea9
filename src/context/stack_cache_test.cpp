#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "context/stack.hpp"

namespace cede::context {
namespace {

constexpr std::size_t usual = 64 * 1024;

TEST(stack_cache, reuses_the_slot_released_last) {
  stack_pool pool;
  stack_cache cache(pool);
  const stack_slot slot = cache.allocate(usual).value();
  cache.release(slot);
  EXPECT_EQ(cache.allocate(usual)->bottom, slot.bottom);
  cache.release(slot);
}

TEST(stack_cache, live_slots_are_distinct_across_caches_of_one_pool) {
  stack_pool pool;
  stack_cache one(pool);
  stack_cache two(pool);
  std::set<std::byte*> bottoms;
  std::vector<stack_slot> from_one;
  std::vector<stack_slot> from_two;
  for (int i = 0; i < 100; ++i) {
    from_one.push_back(one.allocate(usual).value());
    from_two.push_back(two.allocate(usual).value());
    bottoms.insert(from_one.back().bottom);
    bottoms.insert(from_two.back().bottom);
  }
  EXPECT_EQ(bottoms.size(), 200U);
  for (const stack_slot& slot : from_one) two.release(slot);
  for (const stack_slot& slot : from_two) one.release(slot);
}

TEST(stack_cache, keeps_classes_apart) {
  stack_pool pool;
  stack_cache cache(pool);
  const stack_slot small = cache.allocate(usual).value();
  const stack_slot large = cache.allocate(4 * usual).value();
  EXPECT_GT(large.usable(), 3 * usual);
  cache.release(small);
  EXPECT_EQ(cache.allocate(4 * usual)->size_class, large.size_class);
  EXPECT_EQ(cache.allocate(largest_slot + 1).error(), errc::invalid_argument);
}

TEST(stack_cache, gives_its_slots_back_when_it_ends) {
  stack_pool pool({.first_reservation = 32 * usual, .most_reserved = 32 * usual});
  {
    stack_cache cache(pool);
    std::vector<stack_slot> slots;
    while (auto slot = cache.allocate(usual)) slots.push_back(*slot);
    EXPECT_EQ(slots.size(), 32U);
    for (const stack_slot& slot : slots) cache.release(slot);
  }
  stack_cache other(pool);
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(other.allocate(usual));
}

TEST(stack_cache, a_slot_of_the_cache_may_be_released_to_the_pool) {
  stack_pool pool;
  stack_cache cache(pool);
  const stack_slot slot = cache.allocate(usual).value();
  pool.release(slot);
  EXPECT_EQ(pool.allocate(usual)->bottom, slot.bottom);
}

TEST(stack_cache, slots_stay_usable_through_many_exchanges) {
  stack_pool pool({.warm_slots = 4});
  stack_cache cache(pool);
  for (std::size_t depth = 1; depth < 200; depth += 13) {
    std::vector<stack_slot> slots;
    for (std::size_t i = 0; i < depth; ++i) {
      slots.push_back(cache.allocate(usual).value());
      std::memset(slots.back().top - 256, 1, 256);
    }
    for (const stack_slot& slot : slots) cache.release(slot);
  }
}

}  // namespace
}  // namespace cede::context
