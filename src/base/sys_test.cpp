#include "base/sys.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace {

namespace sys = cede::base::sys;

// Makes one call fail, or cuts it.
class one_fault : public sys::fault_hook {
 public:
  one_fault(sys::call which, sys::fault made) : which_(which), made_(made) {}
  sys::fault on_call(sys::call which, int descriptor) noexcept override {
    if (which != which_) return {};
    last_descriptor = descriptor;
    return made_;
  }
  int last_descriptor = -2;

 private:
  sys::call which_;
  sys::fault made_;
};

class sys_pair : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sys::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_));
  }
  void TearDown() override {
    for (const int fd : fds_) EXPECT_TRUE(sys::close(fd));
  }

  std::array<int, 2> fds_{};
  const std::string_view text_ = "kangaroos";
  std::span<const std::byte> bytes_ = std::as_bytes(std::span(text_));
  std::array<std::byte, 32> buffer_{};
};

TEST_F(sys_pair, transfers_return_the_bytes_moved) {
  EXPECT_EQ(sys::send(fds_[0], bytes_, MSG_NOSIGNAL).value(), 9);
  EXPECT_EQ(sys::recv(fds_[1], buffer_, 0).value(), 9);
  EXPECT_EQ(std::memcmp(buffer_.data(), text_.data(), 9), 0);
  EXPECT_EQ(sys::write(fds_[1], bytes_).value(), 9);
  EXPECT_EQ(sys::read(fds_[0], std::span(buffer_).first(4)).value(), 4);
}

TEST_F(sys_pair, a_failure_carries_the_errno) {
  EXPECT_EQ(sys::recv(fds_[0], buffer_, MSG_DONTWAIT).error(),
            std::errc::resource_unavailable_try_again);
  EXPECT_EQ(sys::read(-1, buffer_).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(sys::listen(-1, 1).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(sys::open("/nonexistent", O_RDONLY).error(), std::errc::no_such_file_or_directory);
}

TEST_F(sys_pair, an_injected_error_replaces_the_call) {
  one_fault fault(sys::call::send, {.error = ECONNRESET});
  {
    const sys::fault_injection injection(fault);
    const auto sent = sys::send(fds_[0], bytes_, 0);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error(), std::errc::connection_reset);
    EXPECT_EQ(errno, ECONNRESET);
    EXPECT_EQ(fault.last_descriptor, fds_[0]);
  }
  EXPECT_EQ(sys::recv(fds_[1], buffer_, MSG_DONTWAIT).error(),
            std::errc::resource_unavailable_try_again);
  EXPECT_EQ(sys::send(fds_[0], bytes_, 0).value(), 9);
}

TEST_F(sys_pair, an_injected_limit_cuts_transfers) {
  one_fault sends(sys::call::send, {.limit_bytes = 4});
  {
    const sys::fault_injection injection(sends);
    EXPECT_EQ(sys::send(fds_[0], bytes_, 0).value(), 4);
  }
  one_fault receives(sys::call::recv, {.limit_bytes = 1});
  const sys::fault_injection injection(receives);
  EXPECT_EQ(sys::recv(fds_[1], buffer_, 0).value(), 1);
}

TEST_F(sys_pair, an_injected_limit_cuts_vectors_and_messages) {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(text_.data()), 5},
                             iovec{const_cast<char*>(text_.data() + 5), 4}};
  EXPECT_EQ(sys::writev(fds_[0], parts).value(), 9);
  one_fault writes(sys::call::writev, {.limit_bytes = 3});
  {
    const sys::fault_injection injection(writes);
    EXPECT_EQ(sys::writev(fds_[0], parts).value(), 3);
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  EXPECT_EQ(sys::sendmsg(fds_[0], message, 0).value(), 9);
  one_fault messages(sys::call::sendmsg, {.limit_bytes = 100});
  const sys::fault_injection injection(messages);
  EXPECT_EQ(sys::sendmsg(fds_[0], message, 0).value(), 5);  // the first buffer alone
  EXPECT_EQ(sys::recv(fds_[1], buffer_, 0).value(), 9 + 3 + 9 + 5);
}

TEST_F(sys_pair, a_received_message_writes_back_what_the_kernel_says) {
  EXPECT_EQ(sys::send(fds_[0], bytes_, 0).value(), 9);
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_flags = -1;
  EXPECT_EQ(sys::recvmsg(fds_[1], message, 0).value(), 9);
  EXPECT_EQ(message.msg_flags, 0);
  EXPECT_EQ(message.msg_iov, &part);
}

TEST(sys, an_injected_close_failure_still_closes) {
  const int fd = sys::eventfd(0, 0).value();
  one_fault fault(sys::call::close, {.error = EIO});
  const sys::fault_injection injection(fault);
  EXPECT_EQ(sys::close(fd).error(), std::errc::io_error);
  EXPECT_EQ(sys::fcntl(fd, F_GETFD).error(), std::errc::bad_file_descriptor);
}

TEST(sys, injections_nest) {
  one_fault outer(sys::call::mmap, {.error = ENOMEM});
  one_fault inner(sys::call::mmap, {.error = EPERM});
  const auto map = [] {
    return sys::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS).error();
  };
  const sys::fault_injection outer_injection(outer);
  {
    const sys::fault_injection inner_injection(inner);
    EXPECT_EQ(map(), std::errc::operation_not_permitted);
  }
  EXPECT_EQ(map(), std::errc::not_enough_memory);
}

TEST(sys, memory_calls_do_what_they_say) {
  std::byte* const page =
      sys::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS).value();
  page[0] = std::byte{7};
  EXPECT_TRUE(sys::madvise(page, 4096, MADV_DONTNEED));
  EXPECT_EQ(page[0], std::byte{0});
  unsigned char resident = 0;
  EXPECT_TRUE(sys::mincore(page, 4096, &resident));
  EXPECT_TRUE(sys::mprotect(page, 4096, PROT_NONE));
  EXPECT_TRUE(sys::munmap(page, 4096));
  EXPECT_EQ(sys::mprotect(page + 1, 4096, PROT_NONE).error(), std::errc::invalid_argument);
}

TEST(sys, poll_counts_ready_descriptors) {
  const int fd = sys::eventfd(1, EFD_CLOEXEC).value();
  std::array<pollfd, 1> one{pollfd{.fd = fd, .events = POLLIN, .revents = 0}};
  EXPECT_EQ(sys::poll(one, 0).value(), 1);
  EXPECT_TRUE(sys::close(fd));
}

}  // namespace
