// Rule 6 of descriptor.hpp: a reader that waits finds its bytes when it is woken.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <vector>

#include "base/sys.hpp"
#include "io/descriptor_use.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"
#include "io/transfer.hpp"

namespace cede::io {
namespace {

class waiting_reader : public testing::Test {
 protected:
  waiting_reader() {
    fd_pair pair = make_tcp_pair();
    d = adopt(std::move(pair.first));
    peer = std::move(pair.second);
  }

  // A fiber waits with `room`; `tell` runs when it does. What it then finds, and what is left of
  // the hint that there is more.
  struct found {
    bool served = false;
    attempt got;
    outlook afterwards = outlook::closed;
  };
  found wait_with(std::span<std::byte> room, std::function<void()> tell) {
    found what;
    run_as(execution::fiber_on_epoll, [&] {
      blocked_observer seen;
      companion reader(execution::fiber_on_epoll, [&] {
        seen.publish();
        descriptor::use use(*d, direction::read, descriptor::use::by::fiber);
        while (use.look() == outlook::ready) use.exhausted();
        EXPECT_TRUE(use.wait(sched::current(), sched::wait_reason::readable, never, room));
        what.served = use.served();
        if (what.served) what.got = use.received();
        what.afterwards = use.look();
      });
      seen.await_blocked();
      tell();
      reader.join();
    });
    return what;
  }

  std::string text(std::size_t size) const {
    return {reinterpret_cast<const char*>(buffer.data()), size};
  }

  descriptor_owner d;
  owned_fd peer;
  std::array<std::byte, 64> buffer{};
};

TEST_F(waiting_reader, is_woken_with_its_bytes_and_knows_that_there_are_no_more) {
  const found what = wait_with(buffer, [&] { put(peer, "butter"); });
  ASSERT_TRUE(what.served);
  EXPECT_EQ(what.got.error, 0);
  EXPECT_EQ(text(what.got.moved), "butter");
  EXPECT_EQ(what.afterwards, outlook::nothing);
}

TEST_F(waiting_reader, knows_that_there_is_more_than_it_had_room_for) {
  const found what = wait_with(std::span(buffer).first(3), [&] { put(peer, "butter"); });
  ASSERT_TRUE(what.served);
  EXPECT_EQ(text(what.got.moved), "but");
  EXPECT_EQ(what.afterwards, outlook::ready);
}

TEST_F(waiting_reader, is_told_of_an_end_that_comes_with_the_last_bytes) {
  const found what = wait_with(buffer, [&] {
    put(peer, "last");
    ::shutdown(peer.get(), SHUT_WR);
  });
  ASSERT_TRUE(what.served);
  EXPECT_EQ(text(what.got.moved), "last");
  run_as(execution::fiber_on_epoll, [&] { EXPECT_EQ(receive(*d, buffer, never), 0U); });
}

TEST_F(waiting_reader, is_told_of_a_reset) {
  const found what = wait_with(buffer, [&] {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    peer = owned_fd();
  });
  ASSERT_TRUE(what.served);
  EXPECT_EQ(what.got.error, ECONNRESET);
}

TEST_F(waiting_reader, that_offers_no_room_is_only_woken) {
  const found what = wait_with({}, [&] { put(peer, "butter"); });
  EXPECT_FALSE(what.served);
  EXPECT_EQ(what.afterwards, outlook::ready);
}

TEST_F(waiting_reader, tries_itself_after_an_interrupted_call) {
  struct interrupter final : base::sys::fault_hook {
    base::sys::fault on_call(base::sys::call which, int) noexcept override {
      if (which == base::sys::call::recv && left.fetch_sub(1) > 0) return {.error = EINTR};
      return {};
    }
    std::atomic<int> left = 1;
  } once;
  const base::sys::fault_injection injected(once);
  const found what = wait_with(buffer, [&] { put(peer, "butter"); });
  EXPECT_FALSE(what.served);
  EXPECT_EQ(what.afterwards, outlook::ready);
}

TEST_F(waiting_reader, gets_its_bytes_while_a_writer_waits_on_the_same_socket) {
  run_as(execution::fiber_on_epoll, [&] {
    const std::vector<std::byte> plenty(std::size_t{16} << 20);
    blocked_observer writing;
    blocked_observer reading;
    std::string got;
    companion writer(execution::fiber_on_epoll, [&] {
      writing.publish();
      for (std::size_t sent = 0; sent < plenty.size();)
        sent += send(*d, std::span(plenty).subspan(sent), never).value();
    });
    writing.await_blocked();
    companion reader(execution::fiber_on_epoll, [&] {
      reading.publish();
      for (int i = 0; i < 2; ++i) got += text(receive(*d, buffer, never).value());
    });
    reading.await_blocked();
    put(peer, "first");
    while (got.empty()) sched::yield();
    reading.await_blocked();
    put(peer, "second");
    reader.join();
    std::vector<std::byte> drained(plenty.size());
    for (std::size_t read = 0; read < plenty.size();) {
      const ssize_t n = ::recv(peer.get(), drained.data(), drained.size(), MSG_DONTWAIT);
      if (n > 0) read += static_cast<std::size_t>(n);
      sched::yield();
    }
    writer.join();
    EXPECT_EQ(got, "firstsecond");
  });
}

}  // namespace
}  // namespace cede::io
