#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/sys.hpp"
#include "context/memory_advice.hpp"
#include "context/stack.hpp"

namespace cede::context {
namespace {

constexpr std::size_t usual = 64 * 1024;

std::vector<std::string>& logged() {
  static std::vector<std::string> lines;
  return lines;
}

class log_capture {
 public:
  log_capture() {
    logged().clear();
    previous_ = set_log_sink([](log_level, std::string_view line) { logged().emplace_back(line); });
  }
  ~log_capture() { set_log_sink(previous_); }
  log_capture(const log_capture&) = delete;
  log_capture& operator=(const log_capture&) = delete;

 private:
  log_sink previous_;
};

class failing_call : public base::sys::fault_hook {
 public:
  failing_call(base::sys::call which, int error) : which_(which), error_(error) {}
  base::sys::fault on_call(base::sys::call which, int) noexcept override {
    base::sys::fault fault;
    if (which == which_) fault.error = error_;
    return fault;
  }

 private:
  base::sys::call which_;
  int error_;
};

std::vector<stack_slot> allocate_many(stack_pool& pool, std::size_t count, std::size_t bytes) {
  std::vector<stack_slot> slots;
  slots.reserve(count);
  while (slots.size() < count) {
    auto slot = pool.allocate(bytes);
    if (!slot) break;
    slots.push_back(*slot);
  }
  return slots;
}

void release_all(stack_pool& pool, const std::vector<stack_slot>& slots) {
  for (const stack_slot& slot : slots) pool.release(slot);
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * page_bytes();
}

bool guarded(const stack_slot& slot) { return is_inaccessible(slot.bottom - page_bytes()); }

TEST(stack_pool, gives_a_slot_whose_usable_bytes_can_all_be_written) {
  stack_pool pool;
  const stack_slot slot = pool.allocate(usual).value();
  const std::size_t size = slot_bytes(slot.size_class);
  EXPECT_GE(slot.usable() + guard_bytes(slot.size_class) + 1024, size);
  EXPECT_LT(slot.usable(), size);
  std::memset(slot.bottom, 1, slot.usable());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slot.top) % 64, 0U);
  pool.release(slot);
}

TEST(stack_pool, has_every_class_up_to_eight_mebibytes) {
  stack_pool pool;
  for (std::size_t bytes = smallest_slot; bytes <= largest_slot; bytes *= 2) {
    auto slot = pool.allocate(bytes);
    ASSERT_TRUE(slot);
    EXPECT_TRUE(guarded(*slot)) << bytes;
    *slot->bottom = std::byte{1};
    *(slot->top - 1) = std::byte{1};
    pool.release(*slot);
  }
  EXPECT_EQ(pool.allocate(largest_slot + 1).error(), errc::invalid_argument);
}

TEST(stack_pool, live_slots_never_overlap) {
  stack_pool pool;
  const auto slots = allocate_many(pool, 1000, usual);
  ASSERT_EQ(slots.size(), 1000U);
  std::set<std::byte*> bottoms;
  for (const stack_slot& slot : slots) bottoms.insert(slot.bottom);
  ASSERT_EQ(bottoms.size(), slots.size());
  const std::byte* last_top = nullptr;
  for (std::byte* bottom : bottoms) {
    EXPECT_LT(last_top, bottom);
    last_top = bottom + usual - page_bytes() - 1024;
  }
  release_all(pool, slots);
}

TEST(stack_pool, the_slot_released_last_is_used_next) {
  stack_pool pool;
  const stack_slot first = pool.allocate(usual).value();
  const stack_slot second = pool.allocate(usual).value();
  pool.release(second);
  pool.release(first);
  EXPECT_EQ(pool.allocate(usual)->bottom, first.bottom);
  EXPECT_EQ(pool.allocate(usual)->bottom, second.bottom);
}

TEST(stack_pool, every_slot_has_a_guard_below) {
  stack_pool pool;
  const auto slots = allocate_many(pool, 200, usual);
  EXPECT_TRUE(std::ranges::all_of(slots, guarded));
  release_all(pool, slots);
}

TEST(stack_pool, finds_whose_guard_an_address_is_in) {
  stack_pool pool;
  const auto slots = allocate_many(pool, 3, usual);
  const auto fault = pool.find_fault(slots[1].bottom - 1);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->slot.bottom, slots[1].bottom);
  EXPECT_EQ(fault->slot_bytes, slot_bytes(slots[1].size_class));
  EXPECT_TRUE(pool.find_fault(slots[1].bottom - guard_bytes(slots[1].size_class)));
  EXPECT_FALSE(pool.find_fault(slots[1].bottom));
  EXPECT_FALSE(pool.find_fault(slots[1].top - 1));
  EXPECT_FALSE(pool.find_fault(&pool));
  EXPECT_FALSE(pool.find_fault(nullptr));
  release_all(pool, slots);
}

TEST(stack_pool, forty_thousand_slots_fit_into_the_default_number_of_mappings) {
  const log_capture capture;
  stack_pool pool;
  const auto slots = allocate_many(pool, 40'000, usual);
  // Without guard markers it is the system's limit that counts; see the fallback's tests.
  if (logged().empty()) {
    EXPECT_EQ(slots.size(), 40'000U);
  }
  ASSERT_FALSE(slots.empty());
  EXPECT_TRUE(guarded(slots.back()));
  *slots.back().bottom = std::byte{1};
  release_all(pool, slots);
}

TEST(stack_pool, memory_of_released_slots_goes_back_to_the_system) {
  if (CEDE_ASAN || CEDE_TSAN) GTEST_SKIP() << "shadow memory counts as resident";
  stack_pool pool;
  auto slots = allocate_many(pool, 4096, usual);
  ASSERT_EQ(slots.size(), 4096U);
  const std::size_t before = resident_bytes();
  for (const stack_slot& slot : slots) std::memset(slot.top - 8192, 1, 8192);
  const std::size_t touched = resident_bytes();
  EXPECT_GE(touched - before, std::size_t{4096} * 8192);
  release_all(pool, slots);
  pool.trim();
  EXPECT_LT(resident_bytes(), before + (touched - before) / 20);
}

TEST(stack_pool, only_so_many_released_slots_stay_warm) {
  stack_pool pool({.warm_slots = 2});
  const auto slots = allocate_many(pool, 5, usual);
  for (const stack_slot& slot : slots) *slot.bottom = std::byte{1};
  release_all(pool, slots);
  int warm = 0;
  const auto again = allocate_many(pool, 5, usual);
  for (const stack_slot& slot : again) warm += *slot.bottom == std::byte{1} ? 1 : 0;
  EXPECT_EQ(warm, 2);
  release_all(pool, again);
}

TEST(stack_pool, trim_gives_back_what_is_warm_and_keeps_it_usable) {
  stack_pool pool;
  const auto slots = allocate_many(pool, 100, usual);
  for (const stack_slot& slot : slots) *slot.bottom = std::byte{1};
  release_all(pool, slots);
  pool.trim();
  const auto again = allocate_many(pool, 100, usual);
  ASSERT_EQ(again.size(), 100U);
  for (const stack_slot& slot : again) EXPECT_EQ(*slot.bottom, std::byte{0});
  EXPECT_TRUE(std::ranges::all_of(again, guarded));
  release_all(pool, again);
}

TEST(stack_pool, high_water_is_the_depth_that_was_touched) {
  stack_pool pool;
  const stack_slot slot = pool.allocate(usual).value();
  EXPECT_EQ(pool.high_water(slot), 0U);
  *(slot.top - 100) = std::byte{1};
  EXPECT_GE(pool.high_water(slot), 100U);
  EXPECT_LE(pool.high_water(slot), 104U);
  *(slot.top - 30'000) = std::byte{1};
  EXPECT_GE(pool.high_water(slot), 30'000U);
  EXPECT_LE(pool.high_water(slot), 30'008U);
  *slot.bottom = std::byte{1};
  EXPECT_EQ(pool.high_water(slot), slot.usable());
  pool.release(slot);
}

TEST(stack_pool, guards_by_protections_work_too) {
  stack_pool pool({.guards = guard_method::protections});
  const log_capture capture;
  const auto slots = allocate_many(pool, 200, usual);
  ASSERT_EQ(slots.size(), 200U);
  EXPECT_TRUE(std::ranges::all_of(slots, guarded));
  for (const stack_slot& slot : slots) std::memset(slot.bottom, 1, slot.usable());
  EXPECT_TRUE(logged().empty()) << "who asks for protections needs no message";
  release_all(pool, slots);
}

TEST(stack_pool, falls_back_to_protections_with_one_message) {
  failing_call no_markers(base::sys::call::madvise, EINVAL);
  const base::sys::fault_injection injected(no_markers);
  const log_capture capture;
  stack_pool pool;
  const auto slots = allocate_many(pool, 200, usual);
  const auto larger = allocate_many(pool, 10, 2 * usual);
  ASSERT_EQ(slots.size(), 200U);
  ASSERT_EQ(larger.size(), 10U);
  EXPECT_TRUE(std::ranges::all_of(slots, guarded));
  EXPECT_THAT(logged(), testing::ElementsAre(testing::HasSubstr("vm.max_map_count")));
  release_all(pool, slots);
  release_all(pool, larger);
}

TEST(stack_pool, a_failing_system_is_an_error_value_and_passes) {
  stack_pool pool;
  {
    failing_call no_memory(base::sys::call::mprotect, ENOMEM);
    const base::sys::fault_injection injected(no_memory);
    EXPECT_EQ(pool.allocate(usual).error(), errc::stack_unavailable);
  }
  {
    failing_call no_addresses(base::sys::call::mmap, ENOMEM);
    const base::sys::fault_injection injected(no_addresses);
    EXPECT_EQ(pool.allocate(2 * usual).error(), errc::stack_unavailable);
  }
  EXPECT_TRUE(pool.allocate(usual));
  EXPECT_TRUE(pool.allocate(2 * usual));
}

TEST(stack_pool, small_reservations_add_up) {
  stack_pool pool({.first_reservation = 8 * usual});
  const auto slots = allocate_many(pool, 100, usual);
  ASSERT_EQ(slots.size(), 100U);
  std::set<std::byte*> bottoms;
  for (const stack_slot& slot : slots) {
    bottoms.insert(slot.bottom);
    EXPECT_TRUE(guarded(slot));
    EXPECT_TRUE(pool.find_fault(slot.bottom - 1));
  }
  EXPECT_EQ(bottoms.size(), 100U);
  release_all(pool, slots);
  EXPECT_EQ(allocate_many(pool, 100, usual).size(), 100U);
}

TEST(stack_pool, an_exhausted_address_space_is_an_error_value) {
  stack_pool pool({.first_reservation = 2 * usual, .most_reserved = 40 * usual});
  const auto slots = allocate_many(pool, 1000, usual);
  EXPECT_EQ(slots.size(), 40U);
  EXPECT_EQ(pool.allocate(usual).error(), errc::stack_unavailable);
  pool.release(slots.front());
  EXPECT_TRUE(pool.allocate(usual));
}

// In a process of its own: exits with 0 if all is as it should be.
[[noreturn]] void use_little_address_space() {
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = std::size_t{2} << 30;
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  stack_pool pool;
  const auto slots = allocate_many(pool, 4000, usual);
  if (slots.size() < 4000) _exit(3);
  if (!pool.allocate(largest_slot)) _exit(4);
  const auto more = allocate_many(pool, 100'000, usual);
  if (more.size() == 100'000) _exit(5);
  if (pool.allocate(usual).error() != errc::stack_unavailable) _exit(6);
  if (!operator new(std::size_t{32} << 20, std::nothrow))
    _exit(7);  // the rest of the process goes on
  pool.release(slots.front());
  _exit(pool.allocate(usual) ? 0 : 8);
}

TEST(stack_pool_death_test, a_limited_address_space_gives_fewer_stacks_then_an_error) {
  if (CEDE_ASAN || CEDE_TSAN) GTEST_SKIP() << "sanitizers need more address space than that";
  if (CEDE_EMULATED) GTEST_SKIP() << "an emulator's own memory counts too";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(use_little_address_space(), testing::ExitedWithCode(0), "");
}

[[noreturn]] void use_up_mappings() {
  stack_pool pool({.guards = guard_method::protections});
  const auto slots = allocate_many(pool, 1'000'000, smallest_slot);
  if (slots.size() < 1000 || slots.size() == 1'000'000) _exit(3);
  if (!std::ranges::all_of(slots, guarded)) _exit(4);
  if (pool.allocate(smallest_slot).error() != errc::stack_unavailable) _exit(5);
  for (const stack_slot& slot : slots) pool.release(slot);
  _exit(pool.allocate(smallest_slot) ? 0 : 6);
}

TEST(stack_pool_death_test, running_out_of_mappings_is_an_error_value) {
  if (CEDE_ASAN || CEDE_TSAN) GTEST_SKIP() << "sanitizers need mappings themselves";
  if (CEDE_EMULATED) GTEST_SKIP() << "an emulator's own mappings count too";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(use_up_mappings(), testing::ExitedWithCode(0), "");
}

TEST(stack_pool, many_threads_share_it) {
  stack_pool pool({.warm_slots = 8});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&pool, t] {
      for (int round = 0; round < 50; ++round) {
        const auto slots = allocate_many(pool, 40, usual);
        EXPECT_EQ(slots.size(), 40U);
        for (const stack_slot& slot : slots) *slot.bottom = static_cast<std::byte>(t);
        for (const stack_slot& slot : slots) EXPECT_EQ(*slot.bottom, static_cast<std::byte>(t));
        release_all(pool, slots);
      }
    });
  for (std::thread& each : threads) each.join();
}

TEST(stack_pool, may_reserve_a_million_slots) {
  EXPECT_GE(stack_pool_options{}.most_reserved / usual, 1'000'000U);
}

}  // namespace
}  // namespace cede::context
