#include "base/intrusive_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace cede::base {
namespace {

struct ring_tag;
struct element : list_hook<ring_tag> {
  int value = 0;
};
using ring = intrusive_ring<element, ring_tag>;

class intrusive_ring_test : public ::testing::Test {
 protected:
  intrusive_ring_test() {
    for (std::size_t i = 0; i < elements_.size(); ++i) elements_[i].value = static_cast<int>(i);
  }

  static std::vector<int> drain(ring::chain chain) {
    std::vector<int> values;
    while (element* const e = ring::pop(chain)) {
      EXPECT_FALSE(e->linked());
      values.push_back(e->value);
    }
    EXPECT_EQ(chain.size, 0u);
    return values;
  }

  std::array<element, 4> elements_;
  element* first_ = nullptr;
};

TEST_F(intrusive_ring_test, hands_out_in_order_what_was_pushed_at_either_end) {
  ring r(first_);
  r.push_back(elements_[1]);
  r.push_back(elements_[2]);
  r.push_front(elements_[0]);
  EXPECT_EQ(drain(r.take(2)), (std::vector{0, 1}));
  EXPECT_FALSE(r.empty());
  EXPECT_EQ(drain(r.take(5)), (std::vector{2}));
  EXPECT_TRUE(r.empty());
  EXPECT_EQ(r.take(1).first, nullptr);
}

TEST_F(intrusive_ring_test, removes_from_the_front_the_middle_and_the_back) {
  ring r(first_);
  for (element& e : elements_) r.push_back(e);
  r.remove(elements_[2]);
  r.remove(elements_[0]);
  r.remove(elements_[3]);
  EXPECT_EQ(first_, &elements_[1]);
  r.remove(elements_[1]);
  EXPECT_TRUE(r.empty());
}

TEST_F(intrusive_ring_test, tells_what_is_in_it_from_what_is_chained) {
  ring r(first_);
  for (element& e : elements_) r.push_back(e);
  ring::chain taken = r.take(2);
  EXPECT_FALSE(ring::holds(elements_[0]));
  EXPECT_FALSE(ring::holds(elements_[1]));
  EXPECT_TRUE(ring::holds(elements_[2]));
  EXPECT_EQ(drain(taken), (std::vector{0, 1}));
  EXPECT_EQ(drain(r.take(2)), (std::vector{2, 3}));
}

TEST_F(intrusive_ring_test, an_element_can_be_pushed_again_after_it_was_taken) {
  ring r(first_);
  for (int round = 0; round < 3; ++round) {
    r.push_back(elements_[0]);
    EXPECT_EQ(drain(r.take(1)), (std::vector{0}));
  }
}

}  // namespace
}  // namespace cede::base
