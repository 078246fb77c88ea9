// Fibers with TLS blocks of their own come and go by the million: nothing may stay behind.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "context/fiber_context.hpp"
#include "context/tls_block.hpp"
#include "context/tls_records.hpp"
#include "context/tls_test_fiber.hpp"

namespace {

using namespace cede::context;

pthread_key_t key;
long key_destructors = 0;
long thread_local_destructors = 0;

struct counted {
  std::string text = "initial, and too long for the small-string optimisation";
  ~counted() { ++thread_local_destructors; }
};
thread_local counted mine;
[[gnu::noinline]] counted& my_own() { return mine; }

// All that a thread owes at its end, and memory of several sizes for its cache.
void body(void* argument) {
  auto& wrong = *static_cast<long*>(argument);
  pthread_setspecific(key, std::malloc(24));
  wrong += my_own().text[0] != 'i';
  my_own().text = "changed";
  for (std::size_t size = 16; size <= 1024; size *= 2) std::free(std::malloc(size));
  wrong += std::strlen(strerror(99999)) == 0;  // a buffer that __libc_thread_freeres frees
  try {
    throw 1;
  } catch (int) {
  }
}

class cycle {
 public:
  void run(long& wrong) {
    wrong_ = &wrong;
    const auto block = make_tls_block(slot()).value();
    fiber_.start_below(slot(), block.low(), &entry, this);
    fiber_.use_thread_pointer(block.thread_pointer());
    switch_to(outside_, fiber_);
    free_tls_block(block);
    fiber_.destroy();
  }

 private:
  static void entry(void* argument) {
    auto& self = *static_cast<cycle*>(argument);
    arrived(self.fiber_);
    run_as_thread(&body, self.wrong_);
    switch_final(self.fiber_, self.outside_);
  }
  stack_slot slot() { return {.bottom = memory_.get(), .top = memory_.get() + bytes}; }

  static constexpr std::size_t bytes = 64 * 1024;
  std::unique_ptr<std::byte[]> memory_ = std::make_unique<std::byte[]>(bytes);
  fiber_context outside_;
  fiber_context fiber_;
  long* wrong_ = nullptr;
};

// Counted page by page: the kernel's running number (statm) lags by 32 pages for each CPU.
long resident_kib() {
  long kib = 0;
  FILE* rollup = std::fopen("/proc/self/smaps_rollup", "r");
  if (rollup == nullptr) return 0;
  for (char line[256]; std::fgets(line, sizeof line, rollup) != nullptr;)
    if (std::sscanf(line, "Rss: %ld kB", &kib) == 1) break;
  std::fclose(rollup);
  return kib;
}

void expect_that_nothing_stays(int cycles) {
  ASSERT_EQ(pthread_key_create(&key,
                               [](void* value) {
                                 ++key_destructors;
                                 std::free(value);
                               }),
            0);
  long wrong = 0;
  cycle one;
  for (int i = 0; i < 1000; ++i) one.run(wrong);  // what is kept once and for all
  key_destructors = thread_local_destructors = 0;
  const auto before = mallinfo2();
  const long resident_before = resident_kib();
  EXPECT_GT(resident_before, 0);
  for (int i = 0; i < cycles; ++i) one.run(wrong);
  const auto after = mallinfo2();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(key_destructors, cycles);
  EXPECT_EQ(thread_local_destructors, cycles);
  // One byte lost in each cycle would exceed both.
  EXPECT_LT(static_cast<long>(after.uordblks) - static_cast<long>(before.uordblks), cycles / 2);
  EXPECT_LT((resident_kib() - resident_before) * 1024, cycles);
  pthread_key_delete(key);
}

class tls_block_cycles_test : public ::testing::Test {
 protected:
  void SetUp() override { CEDE_SKIP_WITHOUT_OWN_TLS(); }
};

TEST_F(tls_block_cycles_test, a_hundred_thousand_lives_leave_nothing_behind) {
  expect_that_nothing_stays(100'000);
}

TEST_F(tls_block_cycles_test, a_million_lives_leave_nothing_behind_nightly) {
  expect_that_nothing_stays(1'000'000);
}

TEST_F(tls_block_cycles_test, threads_make_and_free_blocks_at_the_same_time) {
  ASSERT_EQ(pthread_key_create(&key, [](void* value) { std::free(value); }), 0);
  std::vector<std::thread> threads;
  std::vector<long> wrong(4);
  for (auto& count : wrong)
    threads.emplace_back([&count] {
      cycle one;
      for (int i = 0; i < 2000; ++i) one.run(count);
    });
  for (auto& thread : threads) thread.join();
  for (const long count : wrong) EXPECT_EQ(count, 0);
  pthread_key_delete(key);
}

TEST_F(tls_block_cycles_test, blocks_that_live_at_once_have_thread_ids_of_their_own) {
  constexpr std::size_t many = 3000;  // more than a chunk of records
  const std::size_t slot_bytes = 16 * 1024;
  void* memory = mmap(nullptr, many * slot_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* bytes = static_cast<std::byte*>(memory);
  std::vector<tls_block> blocks;
  std::vector<bool> seen(many * 2);
  std::set<std::uint32_t> thread_ids;
  // What libthread_db reads: size in bits, count, offset.
  const auto* const tid =
      static_cast<const std::uint32_t*>(dlsym(RTLD_DEFAULT, "_thread_db_pthread_tid"));
  ASSERT_NE(tid, nullptr);
  for (std::size_t i = 0; i < many; ++i) {
    blocks.push_back(
        make_tls_block({.bottom = bytes + i * slot_bytes, .top = bytes + (i + 1) * slot_bytes})
            .value());
    ASSERT_LT(blocks.back().record(), seen.size());
    ASSERT_FALSE(seen[blocks.back().record()]);
    seen[blocks.back().record()] = true;
    std::uint32_t id = 0;
    std::memcpy(&id, static_cast<std::byte*>(blocks.back().thread_pointer()) + tid[2], sizeof id);
    EXPECT_TRUE(thread_ids.insert(id).second) << id;
  }
  for (const auto& block : blocks) free_tls_block(block);
  munmap(memory, many * slot_bytes);
}

TEST(tls_records_test, what_is_put_back_is_taken_again_last_first) {
  auto records = std::make_unique<tls_records>();
  const auto one = records->take();
  const auto two = records->take();
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  int dtv = 0;
  records->at(*one).dtv = &dtv;
  records->put(*two);
  records->put(*one);
  EXPECT_EQ(records->take(), one);
  EXPECT_EQ(records->at(*one).dtv, &dtv);
  EXPECT_EQ(records->take(), two);
}

TEST(tls_records_test, a_record_has_one_owner_whoever_takes_and_puts_meanwhile) {
  auto records = std::make_unique<tls_records>();
  std::vector<std::atomic<int>> owners(64);
  std::atomic<int> twice = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const auto first = records->take();
        const auto second = records->take();
        for (const auto& each : {first, second})
          if (owners[*each].fetch_add(1) != 0) ++twice;
        for (const auto& each : {first, second}) {
          owners[*each].fetch_sub(1);
          records->put(*each);
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(twice, 0);
}

}  // namespace
