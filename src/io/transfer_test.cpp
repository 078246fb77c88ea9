// Receiving and sending as every kind of execution: waiting, waking, ends, deadlines, cancels and
// closes.
#include "io/transfer.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <cede/this_fiber.hpp>
#include <string>
#include <vector>

#include "base/sys.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"

namespace cede::io {
namespace {

using namespace std::chrono_literals;

class transfer : public each_execution {
 protected:
  void connect(fd_pair pair) {
    d = adopt(std::move(pair.first));
    peer = std::move(pair.second);
  }
  std::string text(std::size_t count) const {
    return {reinterpret_cast<const char*>(buffer.data()), count};
  }

  descriptor_owner d;
  owned_fd peer;
  std::array<std::byte, 64> buffer{};
};

INSTANTIATE_TEST_SUITE_P(executions, transfer, all_executions, name_of);

TEST_P(transfer, bytes_that_are_there_are_received_without_waiting) {
  connect(make_tcp_pair());
  put(peer, "kangaroo");
  run([&] { EXPECT_EQ(text(receive(*d, buffer, never).value()), "kangaroo"); });
}

TEST_P(transfer, an_empty_span_is_answered_at_once) {
  connect(make_tcp_pair());
  run([&] {
    EXPECT_EQ(receive(*d, {}, never), 0U);
    EXPECT_EQ(send(*d, {}, never), 0U);
  });
}

TEST_P(transfer, a_receiver_that_waits_is_woken_by_bytes_again_and_again) {
  connect(make_tcp_pair());
  run([&] {
    blocked_observer seen;
    std::atomic<int> received = 0;
    companion receiver = beside([&] {
      seen.publish();
      for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(text(receive(*d, buffer, never).value()), "x" + std::to_string(i));
        ++received;
      }
    });
    for (int i = 0; i < 50; ++i) {
      seen.await_blocked();
      put(peer, "x" + std::to_string(i));
      while (received.load() <= i) sched::yield();
    }
    receiver.join();
  });
}

// Edge-triggered: the end comes in the same edge as the data, and no other edge will tell of it.
TEST_P(transfer, an_end_that_comes_together_with_data_is_seen) {
  for (int round = 0; round < 20; ++round) {
    connect(make_tcp_pair());
    run([&] {
      EXPECT_EQ(receive(*d, buffer, 0ns).error(), errc::deadline_exceeded);  // now it is watched
      put(peer, "last words");
      peer.reset();
      std::string all;
      for (;;) {
        const auto n = receive(*d, buffer, never);
        ASSERT_TRUE(n) << n.error().message();
        if (*n == 0) break;
        all += text(*n);
      }
      EXPECT_EQ(all, "last words");
      EXPECT_EQ(receive(*d, buffer, never), 0U);
    });
  }
}

TEST_P(transfer, bytes_behind_urgent_data_are_received_without_another_edge) {
  connect(make_tcp_pair());
  run([&] {
    EXPECT_EQ(receive(*d, buffer, 0ns).error(), errc::deadline_exceeded);
    put(peer, "before");
    EXPECT_EQ(::send(peer.get(), "!", 1, MSG_OOB), 1);
    put(peer, "after");
    std::string all;
    while (all.size() < 11) all += text(receive(*d, buffer, never).value());
    EXPECT_EQ(all, "beforeafter");
  });
}

// What recv(2) does at the mark of urgent data while a signal is pending.
TEST_P(transfer, bytes_behind_urgent_data_are_received_although_recv_says_later) {
  if (GetParam() == execution::os_thread || GetParam() == execution::foreign_thread)
    GTEST_SKIP() << "a thread's call blocks, so it is never told to come later";
  struct denier final : base::sys::fault_hook {
    base::sys::fault on_call(base::sys::call which, int) noexcept override {
      if (which != base::sys::call::recv || !denies.exchange(false)) return {};
      return {.error = EAGAIN};
    }
    std::atomic<bool> denies = false;
  };
  connect(make_tcp_pair());
  denier once;
  run([&] {
    const base::sys::fault_injection injected(once);
    EXPECT_EQ(receive(*d, buffer, 0ns).error(), errc::deadline_exceeded);
    put(peer, "before");
    EXPECT_EQ(::send(peer.get(), "!", 1, MSG_OOB), 1);
    put(peer, "after");
    for (std::size_t before = 0; before < 6;) before += receive(*d, buffer, never).value();
    std::atomic<sched::runnable*> reader = nullptr;
    std::string behind;
    std::atomic<bool> done = false;
    once.denies = true;
    companion receiver(GetParam(), [&] {
      reader = &sched::current();
      while (behind.size() < 5) behind += text(receive(*d, buffer, never).value());
      done = true;
    });
    bool waited = false;
    while (!done) {
      sched::runnable* const who = reader;
      if (!waited && who != nullptr && (who->state.load() & sched::state_bit::parked) != 0) {
        waited = true;
        put(peer, "an edge");
      }
      sched::yield();
    }
    EXPECT_FALSE(waited);
    EXPECT_EQ(behind.substr(0, 5), "after");
    EXPECT_FALSE(once.denies);
  });
}

TEST_P(transfer, transfers_cut_short_move_every_byte) {
  struct cutter final : base::sys::fault_hook {
    base::sys::fault on_call(base::sys::call which, int) noexcept override {
      using base::sys::call;
      if (which != call::recv && which != call::send) return {};
      if (++count % 3 == 0) return {.error = EINTR};
      return {.limit_bytes = 1};
    }
    std::atomic<int> count = 0;
  };
  connect(make_tcp_pair());
  run([&] {
    cutter cuts;
    const base::sys::fault_injection injected(cuts);
    const std::string sent = "I don't like llamas.";
    for (std::size_t done = 0; done < sent.size();) {
      const auto rest = std::as_bytes(std::span(sent)).subspan(done);
      done += send(*d, rest, never).value();
    }
    std::array<char, 64> got{};
    EXPECT_EQ(::recv(peer.get(), got.data(), sent.size(), MSG_WAITALL),
              static_cast<ssize_t>(sent.size()));
    put(peer, sent);
    std::string all;
    while (all.size() < sent.size()) all += text(receive(*d, buffer, never).value());
    EXPECT_EQ(all, sent);
  });
}

TEST_P(transfer, a_sender_waits_while_the_peer_reads_nothing) {
  connect(make_tcp_pair());
  run([&] {
    constexpr std::size_t total = 32 * 1024 * 1024;
    blocked_observer seen;
    companion sender = beside([&] {
      seen.publish();
      const std::vector<std::byte> bytes(1 << 20);
      for (std::size_t done = 0; done < total;) {
        const auto rest = std::min(bytes.size(), total - done);
        done += send(*d, std::span(bytes).first(rest), never).value();
      }
    });
    seen.await_blocked();
    const auto reader = adopt(std::move(peer));
    std::vector<std::byte> bytes(1 << 20);
    for (std::size_t done = 0; done < total;) done += receive(*reader, bytes, never).value();
    sender.join();
  });
}

TEST_P(transfer, a_deadline_ends_the_wait) {
  connect(make_tcp_pair());
  run([&] {
    const auto until = clock::now() + 3ms;
    EXPECT_EQ(receive(*d, buffer, until).error(), errc::deadline_exceeded);
    EXPECT_GE(clock::now(), until);
    put(peer, "x");
    EXPECT_EQ(receive(*d, buffer, never), 1U);
  });
}

TEST_P(transfer, what_is_there_is_received_although_the_deadline_is_over) {
  connect(make_socket_pair());
  put(peer, "x");
  run([&] { EXPECT_EQ(receive(*d, buffer, -1s), 1U); });
}

TEST_P(transfer, who_only_tries_again_and_again_finds_what_came_and_lets_others_run) {
  connect(make_socket_pair());
  run([&] {
    EXPECT_EQ(receive(*d, buffer, 0ns).error(), errc::deadline_exceeded);
    companion sender = beside([&] { put(peer, "x"); });
    result<std::size_t> n = failure(errc::deadline_exceeded);
    while (!n) n = receive(*d, buffer, 0ns);
    EXPECT_EQ(n, 1U);
    sender.join();
    put(peer, "y");
    EXPECT_EQ(receive(*d, buffer, 0ns), 1U);
  });
}

TEST_P(transfer, the_ambient_deadline_ends_the_wait_and_further_calls) {
  connect(make_tcp_pair());
  run([&] {
    sched::runnable& self = sched::current();
    self.ambient_deadline = clock::now() + 3ms;
    EXPECT_EQ(receive(*d, buffer, never).error(), errc::deadline_exceeded);
    put(peer, "x");
    EXPECT_EQ(receive(*d, buffer, never).error(), errc::deadline_exceeded);
    self.ambient_deadline = clock::time_point::max();
    EXPECT_EQ(receive(*d, buffer, never), 1U);
  });
}

TEST_P(transfer, a_cancel_ends_the_wait_and_further_calls) {
  if (!can_be_cancelled()) GTEST_SKIP() << "nobody can cancel a foreign thread";
  connect(make_tcp_pair());
  run([&] {
    blocked_observer seen;
    companion receiver = beside([&] {
      seen.publish();
      EXPECT_EQ(receive(*d, buffer, never).error(), errc::cancelled);
      EXPECT_EQ(receive(*d, buffer, 1h).error(), errc::cancelled);
      EXPECT_EQ(send(*d, buffer, never).error(), errc::cancelled);
    });
    seen.await_blocked();
    receiver.cancel();
    receiver.join();
  });
}

TEST_P(transfer, a_cancel_ends_a_wait_with_a_deadline) {
  if (!can_be_cancelled()) GTEST_SKIP() << "nobody can cancel a foreign thread";
  connect(make_tcp_pair());
  run([&] {
    blocked_observer seen;
    companion receiver = beside([&] {
      seen.publish();
      EXPECT_EQ(receive(*d, buffer, 1h).error(), errc::cancelled);
    });
    seen.await_blocked();
    receiver.cancel();
    receiver.join();
  });
}

TEST_P(transfer, a_close_wakes_a_blocked_receiver_and_a_blocked_sender) {
  for (const deadline until : {never, deadline(1h)}) {
    connect(make_tcp_pair());
    run([&] {
      blocked_observer receiving;
      blocked_observer sending;
      companion receiver = beside([&] {
        receiving.publish();
        EXPECT_EQ(receive(*d, buffer, until).error(), errc::closed);
      });
      companion sender = beside([&] {
        sending.publish();
        const std::vector<std::byte> bytes(1 << 20);
        result<std::size_t> last = 0;
        while (last) last = send(*d, bytes, until);
        EXPECT_EQ(last.error(), errc::closed);
      });
      receiving.await_blocked();
      sending.await_blocked();
      d->close();
      receiver.join();
      sender.join();
      EXPECT_EQ(receive(*d, buffer, never).error(), errc::closed);
      EXPECT_EQ(d->fd(), -1);
    });
  }
}

TEST_P(transfer, a_send_after_the_peer_has_gone_is_an_error_and_no_signal) {
  connect(make_tcp_pair());
  peer.reset();
  run([&] {
    ASSERT_NE(::signal(SIGPIPE, SIG_DFL), SIG_ERR);
    result<std::size_t> last = 0;
    while (last) last = send(*d, buffer, never);
    EXPECT_TRUE(last.error() == std::errc::broken_pipe ||
                last.error() == std::errc::connection_reset);
  });
}

TEST_P(transfer, a_descriptor_outlives_the_runtime_that_watched_it) {
  connect(make_tcp_pair());
  for (int round = 0; round < 3; ++round)
    run([&] {
      EXPECT_EQ(receive(*d, buffer, 0ns).error(), errc::deadline_exceeded);
      blocked_observer seen;
      companion receiver = beside([&] {
        seen.publish();
        EXPECT_EQ(receive(*d, buffer, never), 1U);
      });
      seen.await_blocked();
      put(peer, "x");
      receiver.join();
    });
}

// Data, deadlines and a close, each at any moment: no byte is lost or seen twice, nobody stays
// asleep.
TEST_P(transfer, wakes_that_race_with_deadlines_lose_nothing) {
  constexpr unsigned last = 2000;
  connect(make_socket_pair());
  run([&] {
    const auto other = adopt(std::move(peer));
    companion sender = beside([&] {
      for (unsigned i = 0; i <= last; ++i) {
        const std::array one{static_cast<std::byte>(i)};
        EXPECT_EQ(send(*other, one, never), 1U);
        if (i % 7 == 0) sched::yield();
      }
    });
    std::array<std::byte, 1> one{};
    for (unsigned expected = 0; expected <= last;) {
      const auto n = receive(*d, one, std::chrono::microseconds(expected % 5));
      if (!n) {
        ASSERT_EQ(n.error(), errc::deadline_exceeded);
        continue;
      }
      ASSERT_EQ(one[0], static_cast<std::byte>(expected));
      ++expected;
    }
    companion closer = beside([&] { d->close(); });
    EXPECT_EQ(receive(*d, one, never).error(), errc::closed);
    sender.join();
  });
}

TEST_P(transfer, closes_that_race_with_waits_wake_everybody) {
  for (int round = 0; round < 30; ++round) {
    connect(make_socket_pair());
    run([&] {
      companion receiver =
          beside([&] { EXPECT_EQ(receive(*d, buffer, never).error(), errc::closed); });
      companion first = beside([&] { d->close(); });
      companion second = beside([&] { d->close(); });
      receiver.join();
    });
    EXPECT_EQ(d->fd(), -1);
  }
}

TEST_P(transfer, a_flood_does_not_keep_others_from_running) {
  if (GetParam() == execution::os_thread || GetParam() == execution::foreign_thread)
    GTEST_SKIP() << "the kernel sees to that";
  connect(make_socket_pair());
  run([&] {
    std::atomic<bool> stop = false;
    companion flooded = beside([&] {
      std::array<std::byte, 1> one{};
      while (!stop) {
        EXPECT_EQ(::write(peer.get(), "x", 1), 1);
        EXPECT_EQ(receive(*d, one, never), 1U);
      }
    });
    sched::yield();
    stop = true;
    flooded.join();
  });
}

}  // namespace
}  // namespace cede::io
