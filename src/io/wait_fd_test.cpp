// wait_readable and wait_writable for descriptors that cede does not own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <cede/wait.hpp>
#include <filesystem>

#include "io/operation.hpp"
#include "io/reactor.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"
#include "io/transfer.hpp"

namespace cede::io {
namespace {

using namespace std::chrono_literals;

class wait_fd : public each_execution {
 protected:
  static std::size_t open_files() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
};

INSTANTIATE_TEST_SUITE_P(executions, wait_fd, all_executions, name_of);

TEST_P(wait_fd, a_pipe_becomes_readable) {
  const fd_pair pipe = make_pipe();
  run([&] {
    blocked_observer seen;
    companion waiter = beside([&] {
      seen.publish();
      EXPECT_TRUE(wait_readable(pipe.first.get()));
    });
    seen.await_blocked();
    put(pipe.second, "x");
    waiter.join();
    EXPECT_TRUE(wait_readable(pipe.first.get(), 0ns));
    EXPECT_TRUE(wait_writable(pipe.second.get()));
  });
}

TEST_P(wait_fd, the_end_of_a_pipe_counts_as_readable) {
  fd_pair pipe = make_pipe();
  pipe.second.reset();
  run([&] { EXPECT_TRUE(wait_readable(pipe.first.get())); });
}

TEST_P(wait_fd, an_eventfd_becomes_readable) {
  const owned_fd fd(::eventfd(0, EFD_CLOEXEC));
  run([&] {
    EXPECT_EQ(wait_readable(fd.get(), 1ms).error(), errc::deadline_exceeded);
    EXPECT_EQ(::eventfd_write(fd.get(), 1), 0);
    EXPECT_TRUE(wait_readable(fd.get()));
  });
}

TEST_P(wait_fd, a_regular_file_is_ready) {
  const owned_fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  run([&] {
    EXPECT_TRUE(wait_readable(file.get()));
    EXPECT_TRUE(wait_writable(file.get()));
  });
}

TEST_P(wait_fd, a_descriptor_that_is_not_open_is_an_error) {
  run([] {
    EXPECT_EQ(wait_readable(-1).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ(wait_writable(1 << 20).error(), std::errc::bad_file_descriptor);
  });
}

TEST_P(wait_fd, both_directions_of_one_file_are_waited_for_at_once) {
  const fd_pair pair = make_socket_pair();
  const std::size_t before = open_files();
  run([&] {
    std::array<char, 4096> bytes{};
    while (::send(pair.first.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    blocked_observer reading;
    blocked_observer writing;
    companion reader = beside([&] {
      reading.publish();
      EXPECT_TRUE(wait_readable(pair.first.get()));
    });
    companion writer = beside([&] {
      writing.publish();
      EXPECT_TRUE(wait_writable(pair.first.get()));
    });
    reading.await_blocked();
    writing.await_blocked();
    put(pair.second, "x");
    reader.join();
    while (::recv(pair.second.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    writer.join();
  });
  EXPECT_EQ(open_files(), before);
}

TEST_P(wait_fd, an_operation_given_up_at_once_completes) {
  const fd_pair pipe = make_pipe();
  put(pipe.second, "x");
  run([&] {
    reactor* const mine = reactor::current();
    if (mine == nullptr) return;
    const auto o =
        operation::make(operation::code::poll_readable, pipe.first.get(), sched::current());
    mine->submit(*o);
    mine->cancel(*o);
    sched::await_permit(sched::wait_reason::completion);
    EXPECT_FALSE(o->outstanding);
  });
}

TEST_P(wait_fd, a_cancel_ends_the_wait) {
  if (!can_be_cancelled()) GTEST_SKIP() << "nobody can cancel a foreign thread";
  const fd_pair pipe = make_pipe();
  run([&] {
    blocked_observer seen;
    companion waiter = beside([&] {
      seen.publish();
      EXPECT_EQ(wait_readable(pipe.first.get()).error(), errc::cancelled);
    });
    seen.await_blocked();
    waiter.cancel();
    waiter.join();
  });
}

TEST_P(wait_fd, a_wait_that_ended_leaves_nothing_behind) {
  const fd_pair pair = make_socket_pair();
  run([&] {
    for (int i = 0; i < 10; ++i)
      EXPECT_EQ(wait_readable(pair.first.get(), 0ns).error(), errc::deadline_exceeded);
    // The same file under the runtime's own watch: neither hinders the other.
    const auto d = adopt(owned_fd(::dup(pair.first.get())));
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(receive(*d, buffer, 0ns).error(), errc::deadline_exceeded);
    EXPECT_EQ(wait_readable(d->fd(), 0ns).error(), errc::deadline_exceeded);
    put(pair.second, "x");
    EXPECT_TRUE(wait_readable(d->fd()));
    EXPECT_EQ(receive(*d, buffer, never), 1U);
  });
}

}  // namespace
}  // namespace cede::io
