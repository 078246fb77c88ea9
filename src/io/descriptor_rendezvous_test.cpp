// Rule 2 of descriptor.hpp: a waiter and a waker that come at the same time. Each test stops one of
// the two between its steps and lets the other go by, under a reactor that says nothing of itself.
// Waits have a deadline that is over, so that one that has seen no reason to end fails, and does
// not hang.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string_view>

#include "io/descriptor_delivery.hpp"
#include "io/descriptor_use.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"

namespace cede::io {

class descriptor::steps {
 public:
  steps(descriptor& d, edge what)
      : descriptor_(d), begun_(d.begin_delivery(descriptor_state::bits_of(what))) {}
  void finish() { descriptor_.finish_delivery(descriptor_.tag(), begun_); }

 private:
  descriptor& descriptor_;
  descriptor::delivery begun_;
};

namespace {

const deadline over = clock::time_point::min();

class silent_reactor final : public reactor {
 public:
  explicit silent_reactor(std::function<void(reactor&, descriptor&)> on_watch)
      : on_watch_(std::move(on_watch)) {}

  result<> watch(descriptor& d) noexcept override {
    if (on_watch_) on_watch_(*this, d);
    return {};
  }
  void unwatch(descriptor&) noexcept override {}
  void submit(operation&) noexcept override {}
  void cancel(operation&) noexcept override {}
  void poll(clock::time_point until) noexcept override { sleeper_.poll(until); }
  void wake() noexcept override { sleeper_.wake(); }
  bool watching() const noexcept override { return true; }
  bool has_news() const noexcept override { return false; }

 private:
  const std::function<void(reactor&, descriptor&)> on_watch_;
  sched::futex_poller sleeper_;
};

class rendezvous : public testing::Test {
 protected:
  rendezvous() {
    fd_pair pair = make_socket_pair();
    d = adopt(std::move(pair.first));
    peer = std::move(pair.second);
  }

  // As a fiber of one worker.
  void run(const std::function<void()>& f) {
    const auto in = std::move(
        sched::scheduler::create(
            {.workers = 1,
             .make_policy = [](unsigned) { return std::make_unique<sched::fifo_policy>(); },
             .make_poller = [this](sched::worker&) -> result<std::unique_ptr<sched::poller>> {
               return std::make_unique<silent_reactor>(on_watch);
             }})
            .value());
    run_fiber(*in, [&] {
      f();
      d.reset();  // while its reactor lives
    });
  }

  // The call has found nothing; then `meanwhile` happens; then it waits.
  result<> wait_after(direction way, const std::function<void()>& meanwhile) {
    result<> woken;
    run([&] {
      descriptor::use use(*d, way, descriptor::use::by::fiber);
      EXPECT_EQ(use.look(), outlook::ready);
      use.exhausted();
      EXPECT_EQ(use.look(), outlook::nothing);
      meanwhile();
      woken = use.wait(sched::current(), sched::wait_reason::readable, over);
    });
    return woken;
  }

  std::function<void(reactor&, descriptor&)> on_watch;
  descriptor_owner d;
  owned_fd peer;
  std::array<std::byte, 16> buffer{};
};

class each_way : public rendezvous, public testing::WithParamInterface<direction> {};

std::string way_name(const testing::TestParamInfo<direction>& info) {
  return info.param == direction::read ? "reader" : "writer";
}

INSTANTIATE_TEST_SUITE_P(ways, each_way, testing::Values(direction::read, direction::write),
                         way_name);

TEST_P(each_way, an_edge_before_the_waiter_is_in_its_slot_ends_the_wait) {
  const edge what = GetParam() == direction::read ? edge::readable : edge::writable;
  EXPECT_TRUE(wait_after(GetParam(), [&] { descriptor::deliver(d->tag(), what); }));
}

TEST_P(each_way, an_edge_of_the_other_direction_does_not) {
  const edge what = GetParam() == direction::read ? edge::writable : edge::readable;
  EXPECT_EQ(wait_after(GetParam(), [&] { descriptor::deliver(d->tag(), what); }),
            std::unexpected(errc::deadline_exceeded));
}

TEST_P(each_way, a_close_before_the_waiter_is_in_its_slot_ends_the_wait) {
  EXPECT_TRUE(wait_after(GetParam(), [&] { d->close(); }));
}

TEST_P(each_way, a_watch_that_ends_before_the_waiter_is_in_its_slot_ends_the_wait) {
  on_watch = [](reactor& by, descriptor& watched) {
    EXPECT_TRUE(descriptor::watch_ended(watched.tag(), by));
  };
  EXPECT_TRUE(wait_after(GetParam(), [] {}));
}

TEST_P(each_way, a_waiter_without_a_reason_to_go_on_waits) {
  EXPECT_EQ(wait_after(GetParam(), [] {}), std::unexpected(errc::deadline_exceeded));
}

// A fiber that waits for bytes, and what became of it.
class reader_beside {
 public:
  reader_beside(descriptor& d, std::span<std::byte> room)
      : fiber_(execution::fiber_on_epoll, [this, &d, room] {
          seen_.publish();
          self_ = &sched::current();
          descriptor::use use(d, direction::read, descriptor::use::by::fiber);
          while (use.look() == outlook::ready) use.exhausted();
          woken = use.wait(*self_, sched::wait_reason::readable, never, room);
          served = use.served();
          if (served) got = use.received();
          returned = true;
        }) {
    seen_.await_blocked();
  }
  [[nodiscard]] bool is_parked() const {
    return (self_->state.load() & sched::state_bit::parked) != 0;
  }
  void cancel() { fiber_.cancel(); }
  void join() { fiber_.join(); }

  result<> woken;
  bool served = false;
  attempt got;
  bool returned = false;

 private:
  blocked_observer seen_;
  sched::runnable* self_ = nullptr;
  companion fiber_;
};

TEST_F(rendezvous, a_reader_that_comes_while_an_edge_is_delivered_is_woken_by_it) {
  run([&] {
    put(peer, "butter");
    descriptor::steps delivery(*d, edge::readable);  // nobody waits yet
    reader_beside reader(*d, buffer);
    delivery.finish();
    EXPECT_FALSE(reader.is_parked());
    descriptor::deliver(d->tag(), edge::readable);  // lest the test hangs
    reader.join();
    EXPECT_TRUE(reader.woken);
  });
}

// The edge that comes with a reader's bytes counts for a writer that is inside its call, although
// it says of the socket only what is known: the writer is about to say otherwise.
TEST_F(rendezvous, an_edge_with_bytes_for_a_reader_is_not_lost_on_a_writer) {
  run([&] {
    descriptor::use writer(*d, direction::write, descriptor::use::by::fiber);
    EXPECT_EQ(writer.look(), outlook::ready);
    reader_beside reader(*d, buffer);
    put(peer, "butter");
    descriptor::deliver(d->tag(), edge::readable | edge::writable);
    writer.exhausted();  // it had found the socket full before the edge came
    EXPECT_EQ(writer.look(), outlook::ready);
    reader.join();
    EXPECT_TRUE(reader.served);
  });
}

// It is out of its slot and its buffer in use: the wait ends when that is over, with the bytes.
TEST_F(rendezvous, a_reader_that_is_cancelled_while_it_is_served_gets_its_bytes) {
  run([&] {
    reader_beside reader(*d, buffer);
    put(peer, "butter");
    descriptor::steps delivery(*d, edge::readable);
    reader.cancel();
    for (int i = 0; i < 10; ++i) sched::yield();
    EXPECT_FALSE(reader.returned);
    delivery.finish();
    reader.join();
    EXPECT_TRUE(reader.woken);
    ASSERT_TRUE(reader.served);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), reader.got.moved),
              "butter");
  });
}

}  // namespace
}  // namespace cede::io
