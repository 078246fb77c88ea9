// What each backend promises (reactor.hpp), tested without a scheduler: this thread is the waiter
// and drives the reactor.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cede/clock.hpp>
#include <thread>
#include <vector>

#include "io/attempt.hpp"
#include "io/descriptor_use.hpp"
#include "io/operation.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"
#include "sched/parking.hpp"

namespace cede::io {
namespace {

using namespace std::chrono_literals;
using sched::wait_reason;
using sched::wake;
using code = operation::code;

class reactor_contract : public testing::TestWithParam<reactor_kind> {
 protected:
  void SetUp() override {
    scheduler_ = make_io_scheduler(reactor_kind::epoll, 1);
    auto made = make_reactor(GetParam(), *scheduler_->workers().front());
    if (!made && made.error() == errc::not_supported)
      GTEST_SKIP() << "this system does not offer it";
    reactor_ = std::move(made.value());
  }

  operation::owner make(code what, int fd, std::span<std::byte> buffer = {}) {
    return operation::make(what, fd, sched::current(), buffer);
  }
  // The state that the last poll left: each completion is one permit.
  bool take_permit() {
    return sched::park_until(wait_reason::completion, clock::time_point::min()) == wake::unparked;
  }
  void complete(const operation& o) {
    while (o.outstanding) reactor_->poll(clock::time_point::max());
    EXPECT_TRUE(take_permit());
    EXPECT_FALSE(take_permit());
  }
  // Makes the reactor say all that it knows by now.
  void drain() {
    reactor_->wake();
    reactor_->poll(clock::time_point::max());
    reactor_->poll(clock::time_point::min());
  }

  std::unique_ptr<sched::scheduler> scheduler_;
  std::unique_ptr<reactor> reactor_;
};

std::string name_of_backend(const testing::TestParamInfo<reactor_kind>& tested) {
  return tested.param == reactor_kind::epoll ? "epoll" : "io_uring";
}

INSTANTIATE_TEST_SUITE_P(backends, reactor_contract,
                         testing::Values(reactor_kind::epoll, reactor_kind::io_uring),
                         name_of_backend);

TEST_P(reactor_contract, a_poll_without_waiting_returns_at_once) {
  reactor_->poll(clock::time_point::min());
  EXPECT_FALSE(reactor_->watching());
}

TEST_P(reactor_contract, a_poll_ends_at_its_deadline_and_not_before) {
  const auto until = clock::now() + 3ms;
  while (clock::now() < until) reactor_->poll(until);
  reactor_->poll(clock::now() - 1h);
}

TEST_P(reactor_contract, a_wake_before_the_poll_ends_it) {
  reactor_->wake();
  reactor_->wake();
  reactor_->poll(clock::time_point::max());
}

TEST_P(reactor_contract, every_wake_from_another_thread_ends_a_poll) {
  constexpr int rounds = 1000;
  std::atomic<int> wakes = 0;
  std::atomic<int> seen = 0;
  std::thread waker([&] {
    for (int i = 1; i <= rounds; ++i) {
      wakes = i;
      reactor_->wake();
      while (seen.load() < i) std::this_thread::yield();
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    while (wakes.load() < i) reactor_->poll(clock::time_point::max());
    seen = i;
  }
  waker.join();
}

TEST_P(reactor_contract, a_readable_poll_completes_when_bytes_come) {
  const fd_pair pipe = make_pipe();
  const auto o = make(code::poll_readable, pipe.first.get());
  reactor_->submit(*o);
  EXPECT_TRUE(reactor_->watching());
  drain();
  EXPECT_TRUE(o->outstanding);
  put(pipe.second, "x");
  complete(*o);
  EXPECT_EQ(o->result, 0);
  EXPECT_FALSE(reactor_->watching());
}

TEST_P(reactor_contract, a_readable_poll_completes_when_the_other_end_closes) {
  fd_pair pipe = make_pipe();
  const auto o = make(code::poll_readable, pipe.first.get());
  reactor_->submit(*o);
  pipe.second.reset();
  complete(*o);
  EXPECT_EQ(o->result, 0);
}

TEST_P(reactor_contract, a_writable_poll_completes_at_once_where_there_is_room) {
  const fd_pair pipe = make_pipe();
  const auto o = make(code::poll_writable, pipe.second.get());
  reactor_->submit(*o);
  complete(*o);
  EXPECT_EQ(o->result, 0);
}

TEST_P(reactor_contract, one_file_is_polled_for_both_directions) {
  const fd_pair pair = make_socket_pair();
  const auto reading = make(code::poll_readable, pair.first.get());
  const auto writing = make(code::poll_writable, pair.first.get());
  reactor_->submit(*reading);
  reactor_->submit(*writing);
  complete(*writing);
  EXPECT_TRUE(reading->outstanding);
  put(pair.second, "x");
  complete(*reading);
  EXPECT_EQ(reading->result, 0);
}

TEST_P(reactor_contract, a_regular_file_is_always_ready) {
  const owned_fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto o = make(code::poll_readable, file.get());
  reactor_->submit(*o);
  complete(*o);
  EXPECT_EQ(o->result, 0);
}

TEST_P(reactor_contract, what_is_not_open_completes_with_ebadf) {
  owned_fd fd(::eventfd(0, EFD_CLOEXEC));
  const int number = fd.get();
  fd.reset();
  const auto o = make(code::poll_readable, number);
  reactor_->submit(*o);
  complete(*o);
  EXPECT_EQ(o->result, -EBADF);
}

TEST_P(reactor_contract, a_receive_delivers_the_bytes) {
  const fd_pair pair = make_socket_pair();
  std::array<std::byte, 16> buffer{};
  const auto o = make(code::receive, pair.first.get(), buffer);
  reactor_->submit(*o);
  drain();
  EXPECT_TRUE(o->outstanding);
  put(pair.second, "butter");
  complete(*o);
  ASSERT_EQ(o->result, 6);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), 6), "butter");
}

TEST_P(reactor_contract, a_send_hands_over_the_bytes) {
  const fd_pair pair = make_socket_pair();
  std::array<std::byte, 4> buffer{std::byte{'l'}, std::byte{'a'}, std::byte{'m'}, std::byte{'a'}};
  const auto o = make(code::send, pair.first.get(), buffer);
  reactor_->submit(*o);
  complete(*o);
  EXPECT_EQ(o->result, 4);
  std::array<char, 8> got{};
  EXPECT_EQ(::read(pair.second.get(), got.data(), got.size()), 4);
}

TEST_P(reactor_contract, a_cancelled_operation_completes_once_and_leaves_nothing) {
  const fd_pair pair = make_socket_pair();
  std::array<std::byte, 16> buffer{};
  for (const code what : {code::poll_readable, code::receive}) {
    const auto o = make(what, pair.first.get(), buffer);
    reactor_->submit(*o);
    drain();
    reactor_->cancel(*o);
    complete(*o);
    EXPECT_EQ(o->result, -ECANCELED);
    EXPECT_FALSE(reactor_->watching());
  }
  put(pair.second, "x");
  drain();
  EXPECT_FALSE(take_permit());
}

TEST_P(reactor_contract, a_cancel_after_the_event_keeps_one_completion) {
  const fd_pair pair = make_socket_pair();
  const auto o = make(code::poll_readable, pair.first.get());
  reactor_->submit(*o);
  put(pair.second, "x");
  reactor_->cancel(*o);
  complete(*o);
  EXPECT_TRUE(o->result == 0 || o->result == -ECANCELED) << o->result;
}

TEST_P(reactor_contract, a_watched_descriptor_is_told_of_each_edge) {
  fd_pair pair = make_socket_pair();
  const auto d = adopt(std::move(pair.first));
  descriptor::use use(*d, direction::read, descriptor::use::by::fiber);
  ASSERT_TRUE(reactor_->watch(*d));
  drain();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(use.look(), outlook::ready);
    std::array<std::byte, 1> byte;
    EXPECT_EQ(try_receive(d->fd(), byte).moved, i == 0 ? 0U : 1U);
    use.exhausted();
    drain();
    EXPECT_EQ(use.look(), outlook::nothing);
    put(pair.second, "x");
    drain();
  }
  EXPECT_EQ(use.look(), outlook::ready);
  reactor_->unwatch(*d);
}

TEST_P(reactor_contract, there_is_news_while_a_poll_would_find_an_edge) {
  fd_pair pair = make_socket_pair();
  const auto d = adopt(std::move(pair.first));
  ASSERT_TRUE(reactor_->watch(*d));
  drain();
  EXPECT_FALSE(reactor_->has_news());
  put(pair.second, "x");
  EXPECT_TRUE(reactor_->has_news());
  drain();
  EXPECT_FALSE(reactor_->has_news());
  reactor_->wake();
  EXPECT_TRUE(reactor_->has_news());
  drain();
  EXPECT_FALSE(reactor_->has_news());
  reactor_->unwatch(*d);
}

TEST_P(reactor_contract, edges_of_an_earlier_descriptor_in_the_same_slot_are_dropped) {
  const fd_pair pair = make_socket_pair();
  const event_tag old = adopt(owned_fd(::dup(pair.first.get())))->tag();
  const auto d = adopt(owned_fd(::dup(pair.first.get())));
  ASSERT_EQ(d->tag().index, old.index);
  descriptor::use use(*d, direction::read, descriptor::use::by::fiber);
  ASSERT_EQ(use.look(), outlook::ready);
  use.exhausted();
  descriptor::deliver(old, edge::readable);
  EXPECT_EQ(use.look(), outlook::nothing);
  descriptor::deliver(d->tag(), edge::readable);
  EXPECT_EQ(use.look(), outlook::ready);
}

TEST_P(reactor_contract, a_duplicate_that_lives_on_in_a_child_does_not_reach_a_new_descriptor) {
  fd_pair pair = make_socket_pair();
  const owned_fd inherited(::dup(pair.first.get()));  // what a forked child would have
  {
    const auto d = adopt(std::move(pair.first));
    ASSERT_TRUE(reactor_->watch(*d));
    drain();
    reactor_->unwatch(*d);
  }
  const auto next = adopt(owned_fd(::eventfd(0, EFD_CLOEXEC)));
  descriptor::use use(*next, direction::read, descriptor::use::by::fiber);
  ASSERT_EQ(use.look(), outlook::ready);
  use.exhausted();
  put(pair.second, "x");
  drain();
  EXPECT_EQ(use.look(), outlook::nothing);
}

}  // namespace
}  // namespace cede::io
