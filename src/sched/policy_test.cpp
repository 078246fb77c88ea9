#include "sched/policy.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "sched/kernel_carrier.hpp"

namespace cede::sched {
namespace {

struct ready_one : runnable {
  explicit ready_one(int n = 0, std::uint8_t urgency = 1) noexcept
      : runnable(nullptr, kernel_carrier(), capability::none), number(n) {
    priority = urgency;
  }
  int number;
};

std::vector<int> drain(policy& p) {
  std::vector<int> order;
  while (runnable* const r = p.pick_next()) order.push_back(static_cast<ready_one*>(r)->number);
  return order;
}

TEST(fifo_policy, runs_first_come_first_served) {
  fifo_policy p;
  std::deque<ready_one> ones;
  for (int i = 0; i < 4; ++i) p.awakened(ones.emplace_back(i));
  EXPECT_EQ(p.ready_count(), 4u);
  EXPECT_EQ(drain(p), (std::vector{0, 1, 2, 3}));
  EXPECT_FALSE(p.has_ready());
}

TEST(priority_policy, runs_the_urgent_first_and_equals_in_order) {
  priority_policy p;
  std::deque<ready_one> ones;
  for (int i = 0; i < 6; ++i)
    p.awakened(ones.emplace_back(i, static_cast<std::uint8_t>(2 - i % 3)));
  EXPECT_EQ(drain(p), (std::vector{2, 5, 1, 4, 0, 3}));
}

TEST(priority_policy, starves_no_class_while_urgent_ones_keep_coming) {
  priority_policy p;
  ready_one normal(1, 1);
  ready_one low(2, 2);
  ready_one urgent(0, 0);
  p.awakened(normal);
  p.awakened(low);
  p.awakened(urgent);
  unsigned picks_until_normal = 0;
  unsigned picks_until_low = 0;
  for (unsigned pick = 1; pick <= 4 * priority_policy::starvation_bound; ++pick) {
    ready_one& r = *static_cast<ready_one*>(p.pick_next());
    if (r.number == 1 && picks_until_normal == 0) picks_until_normal = pick;
    if (r.number == 2 && picks_until_low == 0) picks_until_low = pick;
    p.awakened(r);
  }
  EXPECT_GT(picks_until_normal, priority_policy::starvation_bound);
  EXPECT_LE(picks_until_normal, priority_policy::starvation_bound + 2);
  EXPECT_GT(picks_until_low, priority_policy::starvation_bound);
  EXPECT_LE(picks_until_low, priority_policy::starvation_bound + 2);
}

std::vector<int> order_of_seed(std::uint64_t seed) {
  seeded_policy p(seed);
  std::deque<ready_one> ones;
  for (int i = 0; i < 16; ++i) p.awakened(ones.emplace_back(i));
  return drain(p);
}

TEST(seeded_policy, one_seed_is_one_order_and_another_seed_another) {
  EXPECT_EQ(order_of_seed(7), order_of_seed(7));
  EXPECT_NE(order_of_seed(7), order_of_seed(8));
  std::vector<int> all = order_of_seed(9);
  std::sort(all.begin(), all.end());
  for (int i = 0; i < 16; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace cede::sched
