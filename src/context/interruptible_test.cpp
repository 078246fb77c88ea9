#include "context/interruptible.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "base/signals.hpp"
#include "context/sliced_wait.hpp"

namespace cede::context {
namespace {

constexpr std::uint32_t stop_bit = 4;

class interruptible_test : public ::testing::Test {
 protected:
  void SetUp() override {
    install_interrupt_handler();
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()), 0);
  }
  void TearDown() override {
    for (const int fd : ends_) close(fd);
  }

  long receive(char* into) {
    return interruptible_syscall(&stop_, stop_bit, SYS_recvfrom, ends_[0],
                                 reinterpret_cast<long>(into), 1, 0, 0, 0);
  }

  std::atomic<std::uint32_t> stop_ = 0;
  std::array<int, 2> ends_{};
};

TEST_F(interruptible_test, makes_the_call_and_returns_what_the_kernel_does) {
  ASSERT_EQ(send(ends_[1], "x", 1, 0), 1);
  char got = 0;
  EXPECT_EQ(receive(&got), 1);
  EXPECT_EQ(got, 'x');
}

TEST_F(interruptible_test, errors_are_negative_numbers) {
  EXPECT_EQ(interruptible_syscall(&stop_, stop_bit, SYS_close, -1, 0, 0, 0, 0, 0), -EBADF);
}

TEST_F(interruptible_test, passes_all_six_arguments) {
  ASSERT_EQ(send(ends_[1], "abc", 3, 0), 3);
  std::array<char, 3> got{};
  sockaddr from{};
  socklen_t length = sizeof from;
  EXPECT_EQ(interruptible_syscall(&stop_, stop_bit, SYS_recvfrom, ends_[0],
                                  reinterpret_cast<long>(got.data()), got.size(), MSG_PEEK,
                                  reinterpret_cast<long>(&from), reinterpret_cast<long>(&length)),
            3);
  EXPECT_EQ(got, (std::array{'a', 'b', 'c'}));
  EXPECT_EQ(length, 0U);
}

TEST_F(interruptible_test, a_set_flag_stops_the_call_before_it_is_made) {
  stop_ = stop_bit;
  ASSERT_EQ(send(ends_[1], "x", 1, 0), 1);
  char got = 0;
  EXPECT_EQ(receive(&got), -EINTR);
  EXPECT_EQ(got, 0);
}

TEST_F(interruptible_test, other_bits_of_the_flag_do_not_matter) {
  stop_ = ~stop_bit;
  ASSERT_EQ(send(ends_[1], "x", 1, 0), 1);
  char got = 0;
  EXPECT_EQ(receive(&got), 1);
}

// Each round the signal hits at another instruction: before the check, in the window, or in the
// kernel. A lost one hangs.
TEST_F(interruptible_test, a_signal_between_check_and_call_is_not_lost) {
  for (int round = 0; round < 300; ++round) {
    stop_ = 0;
    std::atomic<bool> blocking = false;
    long outcome = 0;
    std::thread blocked([&] {
      char got = 0;
      blocking = true;
      outcome = receive(&got);
    });
    while (!blocking) std::this_thread::yield();
    for (int spin = round % 200; spin > 0; --spin) asm volatile("" : : : "memory");
    stop_ = stop_bit;
    pthread_kill(blocked.native_handle(), base::signals::interrupt_signal());
    blocked.join();
    ASSERT_EQ(outcome, -EINTR);
  }
}

TEST_F(interruptible_test, slices_end_when_the_flag_is_set) {
  std::thread blocked([&] {
    char got = 0;
    const long into = reinterpret_cast<long>(&got);
    EXPECT_EQ(make_sliced({&stop_, stop_bit, SYS_recvfrom, {ends_[0], into, 1, 0, 0, 0}}), -EINTR);
  });
  stop_ = stop_bit;
  blocked.join();
}

TEST_F(interruptible_test, slices_transfer_what_is_there) {
  ASSERT_EQ(send(ends_[1], "x", 1, 0), 1);
  char got = 0;
  const long into = reinterpret_cast<long>(&got);
  EXPECT_EQ(make_sliced({&stop_, stop_bit, SYS_recvfrom, {ends_[0], into, 1, 0, 0, 0}}), 1);
  EXPECT_EQ(got, 'x');
  EXPECT_EQ(make_sliced({&stop_, stop_bit, SYS_close, {-1, 0, 0, 0, 0, 0}}), -EBADF);
}

TEST_F(interruptible_test, a_sliced_send_does_not_block_half_way) {
  std::array<char, 65536> block{};
  const long from = reinterpret_cast<long>(block.data());
  long moved = 0;
  for (;;) {
    if (moved > 1024 * 1024) stop_ = stop_bit;
    char drained[65536];
    const long sent =
        make_sliced({&stop_, stop_bit, SYS_sendto, {ends_[1], from, block.size(), 0, 0, 0}});
    if (sent < 0) {
      EXPECT_EQ(sent, -EINTR);
      break;
    }
    moved += sent;
    (void)!recv(ends_[0], drained, sizeof drained, MSG_DONTWAIT);
  }
  EXPECT_GT(moved, 1024 * 1024);
}

TEST_F(interruptible_test, a_sliced_poll_counts_its_timeout_down) {
  pollfd one{.fd = ends_[0], .events = POLLIN, .revents = 0};
  timespec limit{.tv_sec = 0, .tv_nsec = 50'000'000};
  const sliced_call poll{
      &stop_,
      stop_bit,
      SYS_ppoll,
      {reinterpret_cast<long>(&one), 1, reinterpret_cast<long>(&limit), 0, 0, 0}};
  EXPECT_EQ(make_sliced(poll), 0);
  EXPECT_EQ(limit.tv_nsec, 0);
  limit = {.tv_sec = 100, .tv_nsec = 0};
  ASSERT_EQ(send(ends_[1], "x", 1, 0), 1);
  EXPECT_EQ(make_sliced(poll), 1);
  EXPECT_EQ(one.revents, POLLIN);
}

}  // namespace
}  // namespace cede::context
