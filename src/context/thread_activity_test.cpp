#include "context/thread_activity.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "context/test_fiber.hpp"

namespace cede::context {
namespace {

class thread_activity_test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CEDE_EMULATED) GTEST_SKIP() << "the kernel knows the emulator's system calls only";
    if (activity_of(gettid()).what == activity::unknown)
      GTEST_SKIP() << "this system has no /proc/self/task/TID/syscall";
  }
};

// Runs `body` on a thread and looks at it until it does `what`: a test that fails hangs.
template <class Body>
thread_activity wait_for(activity what, Body body, std::thread& thread) {
  std::atomic<pid_t> number = 0;
  thread = std::thread([&number, body] {
    number = gettid();
    body();
  });
  while (number == 0) std::this_thread::yield();
  const activity_probe probe(number);
  while (true) {
    const thread_activity seen = probe.look();
    if (seen.what == what && seen.number != SYS_sched_yield) return seen;
    std::this_thread::yield();
  }
}

TEST_F(thread_activity_test, one_that_computes_is_running) {
  std::atomic<bool> stop = false;
  std::thread computing;
  const auto seen = wait_for(
      activity::running,
      [&stop] {
        while (!stop) {
        }
      },
      computing);
  EXPECT_EQ(seen.number, -1);
  stop = true;
  computing.join();
}

TEST_F(thread_activity_test, one_that_waits_for_a_lock_is_in_a_futex) {
  std::mutex lock;
  lock.lock();
  std::thread waiting;
  const auto seen =
      wait_for(activity::in_futex, [&lock] { const std::lock_guard guard(lock); }, waiting);
  EXPECT_EQ(seen.number, SYS_futex);
  lock.unlock();
  waiting.join();
}

TEST_F(thread_activity_test, one_that_reads_from_an_empty_pipe_is_in_that_system_call) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  std::thread reading;
  const auto seen = wait_for(
      activity::in_syscall,
      [&pipe] {
        char byte = 0;
        EXPECT_EQ(::read(pipe[0], &byte, 1), 1);
      },
      reading);
  EXPECT_EQ(seen.number, SYS_read);
  EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  reading.join();
  for (const int fd : pipe) ::close(fd);
}

TEST_F(thread_activity_test, of_one_that_is_gone_nothing_is_known) {
  pid_t number = 0;
  activity_probe probe;
  std::thread ending([&] {
    number = gettid();
    probe = activity_probe(number);
  });
  ending.join();
  // Joined as soon as the kernel clears its word; the thread vanishes a moment later.
  while (probe.look().what != activity::unknown) std::this_thread::yield();
  const activity_probe moved(std::move(probe));
  EXPECT_EQ(moved.look().what, activity::unknown);
}

TEST(thread_activity, of_no_thread_is_there_a_cpu) {
  EXPECT_EQ(cpu_of(0), -1);
  EXPECT_EQ(cpu_of(-5), -1);
}

TEST(thread_activity, a_threads_cpu_is_the_one_that_it_is_bound_to) {
  if (CEDE_EMULATED) GTEST_SKIP() << "the emulator's CPUs need not be the kernel's";
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  const auto self = static_cast<pid_t>(::syscall(SYS_gettid));
  char name[16];
  ::pthread_getname_np(::pthread_self(), name, sizeof name);
  ::pthread_setname_np(::pthread_self(), "a) R 1 (b) 2");  // a name that looks like more fields
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(cpu_of(self), cpu);
  }
  ::pthread_setname_np(::pthread_self(), name);
  ::sched_setaffinity(0, sizeof before, &before);
}

TEST(thread_activity, of_no_thread_nothing_is_known) {
  EXPECT_EQ(activity_of(0).what, activity::unknown);
  EXPECT_EQ(activity_of(-1).what, activity::unknown);
  EXPECT_EQ(activity_probe().look().what, activity::unknown);
}

}  // namespace
}  // namespace cede::context
