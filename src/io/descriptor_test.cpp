// The control block of a descriptor: readiness hints that never lie in the dangerous direction, one
// reader and one writer, and a close that reaches everybody.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "io/descriptor_use.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"
#include "io/transfer.hpp"

namespace cede::io {
namespace {

using by = descriptor::use::by;

class fresh_descriptor : public testing::Test {
 protected:
  fresh_descriptor() {
    fd_pair pair = make_socket_pair();
    d = adopt(std::move(pair.first));
    peer = std::move(pair.second);
  }
  bool is_ready(direction way) {
    return descriptor::use(*d, way, by::fiber).look() == outlook::ready;
  }

  descriptor_owner d;
  owned_fd peer;
};

TEST_F(fresh_descriptor, is_taken_to_be_ready_until_the_kernel_says_otherwise) {
  EXPECT_TRUE(is_ready(direction::read));
  EXPECT_TRUE(is_ready(direction::write));
  descriptor::use use(*d, direction::read, by::fiber);
  EXPECT_EQ(use.look(), outlook::ready);
  use.exhausted();
  EXPECT_EQ(use.look(), outlook::nothing);
  EXPECT_TRUE(is_ready(direction::write));
}

TEST_F(fresh_descriptor, an_edge_between_the_look_and_the_clearing_is_not_lost) {
  descriptor::use use(*d, direction::read, by::fiber);
  ASSERT_EQ(use.look(), outlook::ready);
  descriptor::deliver(d->tag(), edge::readable);
  use.exhausted();
  EXPECT_EQ(use.look(), outlook::ready);
  use.exhausted();
  EXPECT_EQ(use.look(), outlook::nothing);
}

TEST_F(fresh_descriptor, a_short_read_clears_the_hint_when_the_call_ends) {
  {
    descriptor::use use(*d, direction::read, by::fiber);
    ASSERT_EQ(use.look(), outlook::ready);
    use.emptied();
  }
  EXPECT_FALSE(is_ready(direction::read));
}

TEST_F(fresh_descriptor, an_edge_during_a_short_read_is_not_lost) {
  {
    descriptor::use use(*d, direction::read, by::fiber);
    ASSERT_EQ(use.look(), outlook::ready);
    use.emptied();
    descriptor::deliver(d->tag(), edge::readable);
  }
  EXPECT_TRUE(is_ready(direction::read));
}

TEST_F(fresh_descriptor, after_a_hang_up_a_short_read_does_not_mean_empty) {
  descriptor::deliver(d->tag(), edge::readable | edge::eager);
  {
    descriptor::use use(*d, direction::read, by::fiber);
    ASSERT_EQ(use.look(), outlook::ready);
    use.emptied();
  }
  EXPECT_TRUE(is_ready(direction::read));
}

TEST_F(fresh_descriptor, an_edge_for_an_earlier_generation_changes_nothing) {
  const event_tag old = d->tag();
  d.reset();
  fd_pair pair = make_socket_pair();
  d = adopt(std::move(pair.first));
  ASSERT_EQ(d->tag().index, old.index);
  ASSERT_NE(d->tag().generation, old.generation);
  descriptor::use use(*d, direction::read, by::fiber);
  ASSERT_EQ(use.look(), outlook::ready);
  use.exhausted();
  descriptor::deliver(old, edge::readable);
  EXPECT_EQ(use.look(), outlook::nothing);
}

TEST_F(fresh_descriptor, a_close_refuses_new_users_and_closes_the_file) {
  d->close();
  d->close();
  EXPECT_EQ(d->fd(), -1);
  EXPECT_FALSE(descriptor::use(*d, direction::read, by::fiber).open());
  char byte = 0;
  EXPECT_EQ(::read(peer.get(), &byte, 1), 0);
}

TEST_F(fresh_descriptor, a_close_during_a_call_leaves_the_number_taken_until_the_call_ends) {
  {
    descriptor::use reader(*d, direction::read, by::fiber);
    descriptor::use writer(*d, direction::write, by::fiber);
    d->close();
    EXPECT_FALSE(reader.open());
    EXPECT_GE(d->fd(), 0);
    EXPECT_GE(::fcntl(d->fd(), F_GETFD), 0);
  }
  EXPECT_EQ(d->fd(), -1);
}

TEST_F(fresh_descriptor, a_reader_and_a_writer_do_not_disturb_each_other) {
  descriptor::use reader(*d, direction::read, by::fiber);
  descriptor::use writer(*d, direction::write, by::fiber);
  EXPECT_TRUE(reader.open());
  EXPECT_TRUE(writer.open());
}

using fresh_descriptor_death_test = fresh_descriptor;

TEST_F(fresh_descriptor_death_test, a_second_reader_aborts_with_a_message) {
  descriptor::use first(*d, direction::read, by::fiber);
  EXPECT_DEATH(descriptor::use(*d, direction::read, by::fiber), "a second reader: one fiber");
}

TEST_F(fresh_descriptor_death_test, a_second_writer_aborts_with_a_message) {
  descriptor::use first(*d, direction::write, by::thread);
  EXPECT_DEATH(descriptor::use(*d, direction::write, by::thread), "a second writer: one fiber");
}

TEST_F(fresh_descriptor_death_test, destroying_it_during_a_call_aborts_with_a_message) {
  descriptor::use first(*d, direction::read, by::fiber);
  EXPECT_DEATH(d.reset(), "destroyed while a call is in it");
}

TEST(descriptors, slots_are_used_again_and_counted) {
  const std::size_t before = descriptor::live();
  for (int i = 0; i < 1000; ++i) {
    const auto d = adopt(std::move(make_socket_pair().first));
    EXPECT_EQ(descriptor::live(), before + 1);
  }
  EXPECT_EQ(descriptor::live(), before);
}

// Users and closers on several threads; what is checked is that nobody gets stuck, that no file
// is closed twice (the sanitizers' business too) and that every close ends with the file closed.
TEST(descriptors, closes_that_race_with_calls_end_both) {
  for (int round = 0; round < 200; ++round) {
    fd_pair pair = make_socket_pair();
    const auto d = adopt(std::move(pair.first));
    std::atomic<int> started = 0;
    std::thread reader([&] {
      std::array<std::byte, 8> buffer;
      ++started;
      EXPECT_EQ(receive(*d, buffer, never).error(), errc::closed);
    });
    std::thread writer([&] {
      const std::array<std::byte, 1024> bytes{};
      ++started;
      while (send(*d, bytes, never)) {
      }
    });
    while (started.load() < 2) std::this_thread::yield();
    std::thread closer([&] { d->close(); });
    d->close();
    closer.join();
    reader.join();
    writer.join();
    EXPECT_EQ(d->fd(), -1);
  }
}

}  // namespace
}  // namespace cede::io
