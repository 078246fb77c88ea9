// Rule 6 of descriptor.hpp under stress: readers on several workers with little room, deadlines
// that are over when the bytes come, cancels, closes, urgent data and interrupted calls. No byte
// may be lost, repeated, or written into a buffer after the call that lent it has returned; and no
// reader may be left waiting for bytes that are there (the test then hangs until ctest ends it).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cede/this_fiber.hpp>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/sys.hpp"
#include "io/test_execution.hpp"
#include "io/test_sockets.hpp"
#include "io/transfer.hpp"

namespace cede::io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t stream_bytes = 4'000;
constexpr int streams_at_once = 12;
constexpr int rounds = 4;  // each gives the blocks of the last to new descriptors
constexpr unsigned workers = 3;

constexpr std::byte byte_at(std::size_t place) noexcept {
  return static_cast<std::byte>((place * 2654435761U) >> 13U);
}

class dice {
 public:
  explicit dice(unsigned seed) : engine_(seed) {}
  std::size_t up_to(std::size_t most) { return engine_() % (most + 1); }
  bool one_in(std::size_t n) { return engine_() % n == 0; }

 private:
  std::minstd_rand engine_;
};

// Calls of recv that are interrupted or cut short, now and then.
class disturber final : public base::sys::fault_hook {
 public:
  base::sys::fault on_call(base::sys::call which, int) noexcept override {
    if (which != base::sys::call::recv) return {};
    const unsigned turn = calls_.fetch_add(1, std::memory_order_relaxed);
    if (turn % 7 == 0) return {.error = EINTR};
    if (turn % 5 == 0) return {.limit_bytes = 1 + turn % 3};
    return {};
  }

 private:
  std::atomic<unsigned> calls_ = 0;
};

// One connection: a thread that writes, and one reader after another.
class stream_under_stress {
 public:
  explicit stream_under_stress(unsigned seed)
      : seed_(seed), close_at_(dice(seed).one_in(3) ? dice(seed + 1).up_to(stream_bytes) : never_) {
    fd_pair pair = make_tcp_pair();
    d_ = adopt(std::move(pair.first));
    writer_ = std::thread([this, peer = std::move(pair.second)] { write_all(peer); });
  }
  ~stream_under_stress() { writer_.join(); }

  // As a fiber: readers come and are cancelled until one has seen the end.
  void run() {
    dice roll(seed_ + 2);
    while (!over_.load()) {
      companion reader(execution::fiber_on_epoll, [&, seed = seed_ + roll.up_to(9'999)] {
        read_on(dice(static_cast<unsigned>(seed)));
      });
      if (roll.one_in(4)) continue;
      EXPECT_TRUE(this_fiber::sleep_for(std::chrono::microseconds(roll.up_to(200))));
      if (place_.load() >= close_at_) d_->close();
      reader.cancel();
    }
    if (close_at_ == never_) {
      EXPECT_EQ(place_.load(), stream_bytes);
    }
  }

 private:
  static constexpr std::size_t never_ = SIZE_MAX;
  static constexpr std::byte untouched_{0xa5};

  void read_on(dice roll) {
    std::array<std::byte, 48> buffer;
    while (!over_.load()) {
      const auto room = std::span(buffer).first(1 + roll.up_to(buffer.size() - 1));
      const auto n = receive(*d_, room, patience(roll));
      if (!n && n.error() == errc::deadline_exceeded) {
        expect_untouched(buffer);
        continue;
      }
      if (!n && n.error() == errc::cancelled) return expect_untouched(buffer);
      EXPECT_TRUE(n || n.error() == errc::closed) << n.error().message();
      if (!n || *n == 0) return end();
      take(room.first(*n));
    }
  }

  deadline patience(dice& roll) {
    if (roll.one_in(3)) return never;
    return std::chrono::microseconds(roll.up_to(60));
  }

  void take(std::span<const std::byte> bytes) {
    const std::size_t place = place_.load();
    for (std::size_t i = 0; i < bytes.size(); ++i)
      ASSERT_EQ(bytes[i], byte_at(place + i)) << "byte " << place + i << " of the stream";
    place_.store(place + bytes.size());
    place_.notify_all();
  }

  void end() {
    over_.store(true);
    place_.store(std::max(place_.load(), close_at_ == never_ ? 0 : stream_bytes));
    place_.notify_all();
  }

  // Of a call that failed nothing may come late.
  static void expect_untouched(std::span<std::byte> buffer) {
    std::ranges::fill(buffer, untouched_);
    for (int i = 0; i < 3; ++i) sched::yield();
    EXPECT_EQ(std::ranges::count(buffer, untouched_), std::ssize(buffer));
  }

  // Often lets the reader catch up: then no later edge hides one that was lost.
  void write_all(const owned_fd& peer) {
    dice roll(seed_ + 3);
    const std::size_t urgent_at = roll.up_to(2 * stream_bytes);
    bool urgent_sent = false;
    for (std::size_t sent = 0; sent < stream_bytes && !over_.load();) {
      const auto chunk = next_chunk(sent, roll);
      if (::send(peer.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) < 0) return;
      sent += chunk.size();
      if (!urgent_sent && sent >= urgent_at)
        urgent_sent = ::send(peer.get(), "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1;
      if (roll.one_in(2)) await_reader(sent);
    }
  }

  static std::vector<std::byte> next_chunk(std::size_t sent, dice& roll) {
    std::vector<std::byte> chunk(std::min(1 + roll.up_to(95), stream_bytes - sent));
    for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = byte_at(sent + i);
    return chunk;
  }

  void await_reader(std::size_t sent) {
    for (std::size_t seen = place_.load(); seen < sent; seen = place_.load()) place_.wait(seen);
  }

  const unsigned seed_;
  const std::size_t close_at_;
  descriptor_owner d_;
  std::atomic<std::size_t> place_ = 0;  // bytes received
  std::atomic<bool> over_ = false;
  std::thread writer_;
};

class serving_under_stress : public testing::TestWithParam<reactor_kind> {};

std::string reactor_name(const testing::TestParamInfo<reactor_kind>& info) {
  return info.param == reactor_kind::io_uring ? "io_uring" : "epoll";
}

INSTANTIATE_TEST_SUITE_P(reactors, serving_under_stress,
                         testing::Values(reactor_kind::epoll, reactor_kind::io_uring),
                         reactor_name);

TEST_P(serving_under_stress, every_byte_is_received_once_and_in_order) {
  if (GetParam() == reactor_kind::io_uring && !is_available(execution::fiber_on_io_uring))
    GTEST_SKIP() << "this system offers no io_uring";
  disturber now_and_then;
  const base::sys::fault_injection injected(now_and_then);
  const auto in = make_io_scheduler(GetParam(), workers);
  run_fiber(*in, [&] {
    for (unsigned round = 0; round < rounds; ++round) {
      std::vector<std::unique_ptr<stream_under_stress>> streams;
      for (unsigned i = 0; i < streams_at_once; ++i)
        streams.push_back(std::make_unique<stream_under_stress>(round * 1'000 + i * 10 + 1));
      std::vector<companion> drivers;
      for (auto& stream : streams)
        drivers.emplace_back(execution::fiber_on_epoll, [&stream] { stream->run(); });
    }
  });
}

}  // namespace
}  // namespace cede::io
