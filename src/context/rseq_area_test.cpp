#include "context/rseq_area.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>

#include <atomic>
#include <cstddef>
#include <thread>

#include "context/continuation.hpp"

namespace cede::context {
namespace {

// Negative where the kernel tells nothing.
int told_processor() noexcept {
  auto* const area = static_cast<std::byte*>(current_thread_pointer()) + __rseq_offset;
  return static_cast<int>(
      __atomic_load_n(&reinterpret_cast<struct rseq*>(area)->cpu_id, __ATOMIC_RELAXED));
}

TEST(rseq_area, can_be_given_up_and_taken_up_again) {
  std::thread([] {
    if (told_processor() < 0) GTEST_SKIP() << "the C library has registered none";
    ASSERT_TRUE(give_up_rseq_area());
    EXPECT_LT(told_processor(), 0);
    EXPECT_GE(::sched_getcpu(), 0);
    EXPECT_FALSE(give_up_rseq_area());
    take_up_rseq_area();
    EXPECT_GE(told_processor(), 0);
  }).join();
}

}  // namespace
}  // namespace cede::context
#endif
