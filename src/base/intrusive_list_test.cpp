#include "base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

namespace {

struct ready_tag;
struct all_tag;

struct item : cede::base::list_hook<ready_tag>, cede::base::list_hook<all_tag> {
  explicit item(int number) : value(number) {}
  int value;
  item* next = nullptr;
};

using ready_list = cede::base::intrusive_list<item, ready_tag>;
using all_list = cede::base::intrusive_list<item, all_tag>;
using item_queue = cede::base::intrusive_queue<item, &item::next>;

std::vector<int> values(ready_list& list) {
  std::vector<int> found;
  for (const item& one : list) found.push_back(one.value);
  return found;
}

template <class List>
std::vector<int> drained(List& list) {
  std::vector<int> found;
  while (item* const one = list.pop_front()) found.push_back(one->value);
  return found;
}

class intrusive : public testing::Test {
 protected:
  std::array<item, 4> items_{item(0), item(1), item(2), item(3)};
};

TEST_F(intrusive, list_keeps_the_order_of_both_ends) {
  ready_list list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
  list.push_back(items_[1]);
  list.push_back(items_[2]);
  list.push_front(items_[0]);
  list.insert(list.end(), items_[3]);
  EXPECT_EQ(list.size(), 4U);
  EXPECT_EQ(list.front(), &items_[0]);
  EXPECT_EQ(list.back(), &items_[3]);
  EXPECT_EQ(drained(list), (std::vector{0, 1, 2, 3}));
  EXPECT_TRUE(list.empty());
}

TEST_F(intrusive, list_removes_from_anywhere_and_tells_membership) {
  ready_list list;
  for (item& one : items_) list.push_back(one);
  list.remove(items_[1]);
  EXPECT_FALSE(items_[1].cede::base::list_hook<ready_tag>::linked());
  EXPECT_TRUE(items_[2].cede::base::list_hook<ready_tag>::linked());
  list.remove(items_[3]);
  list.remove(items_[0]);
  EXPECT_EQ(values(list), (std::vector{2}));
  list.remove(items_[2]);
  EXPECT_TRUE(list.empty());
}

TEST_F(intrusive, list_membership_is_separate_for_each_tag) {
  ready_list ready;
  all_list all;
  for (item& one : items_) all.push_back(one);
  ready.push_back(items_[2]);
  all.remove(items_[2]);
  EXPECT_EQ(ready.front(), &items_[2]);
  EXPECT_EQ(drained(all), (std::vector{0, 1, 3}));
  EXPECT_EQ(drained(ready), (std::vector{2}));
}

TEST_F(intrusive, list_inserts_before_a_position) {
  ready_list list;
  list.push_back(items_[0]);
  list.push_back(items_[2]);
  list.insert(++list.begin(), items_[1]);
  EXPECT_EQ(drained(list), (std::vector{0, 1, 2}));
}

TEST_F(intrusive, list_splices_another_behind_itself) {
  ready_list list;
  ready_list other;
  list.splice_back(other);
  EXPECT_TRUE(list.empty());
  list.push_back(items_[0]);
  other.push_back(items_[1]);
  other.push_back(items_[2]);
  list.splice_back(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(list.size(), 3U);
  other.push_back(items_[3]);
  list.splice_back(other);
  EXPECT_EQ(drained(list), (std::vector{0, 1, 2, 3}));
}

TEST_F(intrusive, queue_is_first_in_first_out) {
  item_queue queue;
  EXPECT_EQ(queue.pop_front(), nullptr);
  queue.push_back(items_[1]);
  queue.push_back(items_[2]);
  queue.push_front(items_[0]);
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(drained(queue), (std::vector{0, 1, 2}));
  EXPECT_TRUE(queue.empty());
}

TEST_F(intrusive, queue_takes_elements_at_both_ends_after_running_empty) {
  item_queue queue;
  queue.push_front(items_[0]);
  queue.push_back(items_[1]);
  EXPECT_EQ(drained(queue), (std::vector{0, 1}));
  queue.push_back(items_[2]);
  queue.push_front(items_[3]);
  EXPECT_EQ(drained(queue), (std::vector{3, 2}));
}

TEST_F(intrusive, queue_moves_and_splices) {
  item_queue first;
  first.push_back(items_[0]);
  item_queue second(std::move(first));
  first.push_back(items_[1]);  // empty after the move, and usable
  second.splice_back(first);
  second.push_back(items_[2]);
  item_queue nothing;
  second.splice_back(nothing);
  EXPECT_EQ(second.size(), 3U);
  EXPECT_EQ(drained(second), (std::vector{0, 1, 2}));
}

TEST(intrusive_model, list_behaves_as_a_deque_of_pointers) {
  std::mt19937 random(7);
  std::deque<item> items;
  for (int i = 0; i < 32; ++i) items.emplace_back(i);
  ready_list list;
  std::deque<int> model;
  for (int step = 0; step < 20'000; ++step) {
    item& one = items[random() % items.size()];
    if (one.cede::base::list_hook<ready_tag>::linked()) {
      list.remove(one);
      std::erase(model, one.value);
    } else if (random() % 2 == 0) {
      list.push_back(one);
      model.push_back(one.value);
    } else {
      list.push_front(one);
      model.push_front(one.value);
    }
    ASSERT_EQ(list.size(), model.size());
  }
  EXPECT_EQ(drained(list), std::vector(model.begin(), model.end()));
}

#ifndef NDEBUG
TEST(intrusive_death_test, linking_twice_is_caught_in_debug_builds) {
  item one(1);
  ready_list list;
  list.push_back(one);
  EXPECT_DEATH(list.push_back(one), "intrusive_list: element is in a list already");
  list.remove(one);
}
#endif

}  // namespace
