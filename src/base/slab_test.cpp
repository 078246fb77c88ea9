#include "base/slab.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using cede::base::freed_slots;
using cede::base::slab;

struct alignas(64) control_block {
  explicit control_block(int number) : value(number), text(std::to_string(number)) {}
  int value;
  std::string text;  // owns memory, so that a lost destructor is a leak
};

TEST(slab, created_objects_are_complete_and_counted) {
  slab<control_block> blocks;
  control_block* const one = blocks.create(41);
  control_block* const two = blocks.create(42);
  EXPECT_EQ(one->text, "41");
  EXPECT_EQ(two->text, "42");
  EXPECT_EQ(blocks.live(), 2U);
  blocks.destroy(one);
  EXPECT_EQ(blocks.live(), 1U);
  blocks.destroy(two);
  EXPECT_EQ(blocks.live(), 0U);
}

TEST(slab, alignment_and_indices_hold_over_many_chunks) {
  slab<control_block> blocks;
  const std::size_t count = std::size_t{blocks.slots_per_chunk} * 70;  // past the first directory
  std::vector<control_block*> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(blocks.create(static_cast<int>(i)));
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(all.back()) % 64, 0U);
    ASSERT_EQ(blocks.index_of(all.back()), i);
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(blocks.at(static_cast<std::uint32_t>(i)), all[i]);
    ASSERT_EQ(all[i]->value, static_cast<int>(i));
  }
}

TEST(slab, a_freed_slot_is_the_next_to_be_used) {
  slab<control_block> blocks;
  control_block* const first = blocks.create(1);
  control_block* const second = blocks.create(2);
  blocks.destroy(first);
  EXPECT_EQ(blocks.create(3), first);
  EXPECT_EQ(second->value, 2);
}

TEST(slab, the_generation_tells_a_later_object_in_the_same_slot) {
  slab<control_block> blocks;
  control_block* const first = blocks.create(1);
  const std::uint32_t index = blocks.index_of(first);
  const std::uint32_t generation = blocks.generation_of(index);
  EXPECT_EQ(blocks.generation_of(index), generation);
  blocks.destroy(first);
  EXPECT_NE(blocks.generation_of(index), generation);
  ASSERT_EQ(blocks.create(2), first);
  EXPECT_NE(blocks.generation_of(index), generation);
}

TEST(slab, the_memory_of_a_freed_slot_stays_readable) {
  struct plain {
    std::uint64_t words[4];
  };
  slab<plain> plains;
  volatile plain* const object = plains.create(plain{{1, 2, 3, 4}});
  plains.destroy(const_cast<plain*>(object));
  EXPECT_EQ(object->words[0], 1U);
  EXPECT_EQ(object->words[3], 4U);
}

TEST(slab, a_throwing_constructor_gives_the_slot_back) {
  struct picky {
    explicit picky(bool wanted) {
      if (!wanted) throw std::runtime_error("not wanted");
    }
  };
  slab<picky> some;
  picky* const first = some.create(true);
  EXPECT_THROW(static_cast<void>(some.create(false)), std::runtime_error);
  EXPECT_EQ(some.live(), 1U);
  EXPECT_EQ(some.index_of(some.create(true)), some.index_of(first) + 1);
}

TEST(slab, for_each_live_visits_the_living_only) {
  slab<control_block> blocks;
  std::vector<control_block*> all;
  for (int i = 0; i < 10; ++i) all.push_back(blocks.create(i));
  for (int i = 0; i < 10; i += 2) blocks.destroy(all[static_cast<std::size_t>(i)]);
  std::set<int> seen;
  blocks.for_each_live([&](control_block& block) { seen.insert(block.value); });
  EXPECT_EQ(seen, (std::set{1, 3, 5, 7, 9}));
}

TEST(slab, destroys_what_is_left_when_it_ends) {
  const auto shared = std::make_shared<int>(1);
  struct holder {
    std::shared_ptr<int> held;
  };
  {
    slab<holder> holders;
    for (int i = 0; i < 5; ++i) holders.create(shared)->held.use_count();
    EXPECT_EQ(shared.use_count(), 6);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

// A chain whose destructors destroy the next link in the same slab.
struct link {
  link(slab<link>& home, link* tail) : slots(home), next(tail) {}
  ~link() {
    if (next != nullptr) slots.destroy(next);
  }
  slab<link>& slots;
  link* next;
};

TEST(slab, destructors_may_destroy_in_the_same_slab) {
  slab<link> links;
  link* head = nullptr;
  for (int i = 0; i < 100; ++i) head = links.create(links, head);
  links.destroy(head);
  EXPECT_EQ(links.live(), 0U);
  std::set<link*> again;
  for (int i = 0; i < 100; ++i) again.insert(links.create(links, nullptr));
  EXPECT_EQ(again.size(), 100U);
}

// Creates in the slab while its own slot is dying: that slot must not be handed out.
struct phoenix {
  phoenix(slab<phoenix>& home, phoenix** into) : slots(home), successor(into) {}
  ~phoenix() {
    if (successor != nullptr) *successor = slots.create(slots, nullptr);
  }
  slab<phoenix>& slots;
  phoenix** successor;
};

TEST(slab, a_dying_slot_is_not_reused_before_its_destructor_has_ended) {
  slab<phoenix> birds;
  phoenix* successor = nullptr;
  phoenix* const first = birds.create(birds, &successor);
  birds.destroy(first);
  EXPECT_NE(successor, nullptr);
  EXPECT_NE(successor, first);
  EXPECT_EQ(birds.create(birds, nullptr), first);
}

TEST(slab, threads_create_and_destroy_without_sharing_a_slot) {
  constexpr int rounds = 4'000;
  slab<control_block> blocks;
  std::atomic<bool> collision = false;
  const auto churn = [&](int self) {
    std::array<control_block*, 8> held{};
    for (int i = 0; i < rounds; ++i) {
      control_block*& slot = held[static_cast<std::size_t>(i) % held.size()];
      if (slot != nullptr) {
        if (slot->text != std::to_string(self)) collision.store(true);
        blocks.destroy(slot);
      }
      slot = blocks.create(self);
    }
    for (control_block* const slot : held) blocks.destroy(slot);
  };
  std::vector<std::thread> threads;
  for (int self = 0; self < 4; ++self) threads.emplace_back(churn, self);
  for (int i = 0; i < 50; ++i) {
    blocks.for_each_live([&](control_block& block) {
      if (block.text != std::to_string(block.value)) collision.store(true);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(collision.load());
  EXPECT_EQ(blocks.live(), 0U);
}

TEST(slab_death_test, destroying_twice_is_a_broken_contract) {
  slab<control_block> blocks;
  control_block* const block = blocks.create(1);
  blocks.destroy(block);
  EXPECT_DEATH(blocks.destroy(block), "slab: destroyed what is not live");
}

#if !CEDE_ASAN && !CEDE_TSAN  // which need address space without limit
TEST(slab_death_test, no_memory_gives_a_null_pointer) {
  const auto exhaust = [] {
    const rlimit limit{.rlim_cur = std::size_t{256} << 20, .rlim_max = std::size_t{256} << 20};
    ::setrlimit(RLIMIT_AS, &limit);
    slab<std::array<std::byte, 4096>> pages;
    while (pages.create() != nullptr) {
    }
    // What was given stays good, and what is given back can be had again.
    pages.destroy(pages.at(0));
    ::_exit(pages.create() == pages.at(0) && pages.create() == nullptr ? 0 : 1);
  };
  EXPECT_EXIT(exhaust(), testing::ExitedWithCode(0), "");
}
#endif

#if CEDE_ASAN
TEST(slab_death_test, a_poisoning_slab_reports_use_after_destroy) {
  slab<control_block, freed_slots::poisoned> blocks;
  control_block* const block = blocks.create(1);
  blocks.destroy(block);
  EXPECT_DEATH(block->value = 2, "use-after-poison");
  EXPECT_EQ(blocks.create(3), block);
  EXPECT_EQ(block->value, 3);
}
#endif

}  // namespace
