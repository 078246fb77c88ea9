// Preemptive fibers that block their workers in plain system calls, beside cooperative ones and
// sockets, and locks of the C library that all fight for. Everything must come to its end, and
// every byte is checked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cede/cede.hpp>
#include <cede/no_preempt.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

void require(bool right, const char* what) {
  if (!right) throw std::runtime_error(what);
}

class a_pipe {
 public:
  a_pipe() { require(::pipe(ends_.data()) == 0, "pipe"); }
  ~a_pipe() {
    for (const int end : ends_) ::close(end);
  }
  a_pipe(const a_pipe&) = delete;
  a_pipe& operator=(const a_pipe&) = delete;
  // May be kicked when it computes, but a read that has begun to wait is not cut short.
  unsigned read() const {
    unsigned value = 0;
    require(::read(ends_[0], &value, sizeof value) == sizeof value, "read");
    return value;
  }
  void write(unsigned value) const {
    require(::write(ends_[1], &value, sizeof value) == sizeof value, "write");
  }

 private:
  std::array<int, 2> ends_{};
};

// Contended in every arena, as there are more threads and fibers than arenas.
void allocate(std::mt19937& random) {
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.emplace_back(1 + random() % 3000, static_cast<char>(i));
  for (std::size_t i = 0; i < texts.size(); ++i)
    require(texts[i].find_first_not_of(static_cast<char>(i)) == std::string::npos, "memory");
}

void print(FILE* file) {
  for (int i = 0; i < 20; ++i) require(std::fprintf(file, "%d butter\n", i) > 0, "stdio");
}

struct totals {
  std::atomic<std::uint64_t> calls{0};    // that blocked
  std::atomic<std::uint64_t> replies{0};  // over TCP
  std::atomic<std::uint64_t> turns{0};    // of everybody else
};

// Blocks its thread for some slices each time, and for as long as nobody answers.
void block(const a_pipe& from, totals& sum, cede::clock::time_point end) {
  thread_local unsigned expected = 0;
  while (cede::clock::now() < end) {
    require(from.read() == expected++, "a value of the pipe");
    ++sum.calls;
    if (expected % 3 == 0) cede::this_fiber::yield();
    if (expected % 7 == 0) static_cast<void>(cede::this_fiber::sleep_for(1ms));
  }
}

void feed(const a_pipe& to, unsigned seed, cede::clock::time_point end) {
  std::mt19937 random(seed);
  unsigned value = 0;
  for (; cede::clock::now() < end; ++value) {
    require(bool(cede::this_fiber::sleep_for(std::chrono::microseconds(random() % 6000))), "sleep");
    to.write(value);
  }
  to.write(value);  // it may have begun to wait
}

void echo_to_itself(cede::kind what, totals& sum, cede::clock::time_point end) {
  auto listener = cede::tcp_listener::bind("127.0.0.1", 0).value();
  cede::scope both;
  both.spawn(what, [&] {
    auto served = listener.accept().value();
    std::array<std::byte, 64> buffer;
    while (auto got = served.read_some(buffer)) {
      if (*got == 0) break;
      require(bool(served.write_all(std::span(buffer).first(*got))), "the reply");
    }
  });
  both.spawn([&] {
    auto stream = cede::tcp_stream::connect(listener.local_endpoint().value(), 5s).value();
    for (unsigned i = 0; cede::clock::now() < end; ++i) {
      require(bool(stream.write_all(std::as_bytes(std::span(&i, 1)))), "the request");
      unsigned back = 0;
      auto space = std::as_writable_bytes(std::span(&back, 1));
      while (!space.empty()) {
        const auto got = stream.read_some(space);
        require(got && *got > 0, "the reply's end");
        space = space.subspan(*got);
      }
      require(back == i, "the reply's bytes");
      ++sum.replies;
    }
  });
  require(bool(both.join()), "echo");
}

void stress(unsigned workers, std::chrono::seconds time) {
  if (const char* const obstacle = cede::obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  const auto end = cede::clock::now() + time;
  totals sum;
  std::array<a_pipe, 8> pipes;
  FILE* const file = std::fopen("/dev/null", "w");
  ASSERT_NE(file, nullptr);
  const int code =
      cede::run({.workers = workers, .watchdog = 0ms, .slice = 500us, .spare_threads = 10}, [&] {
        cede::scope all;
        for (unsigned i = 0; i < pipes.size(); ++i) {
          all.spawn(cede::preemptive, [&, i] { block(pipes[i], sum, end); });
          all.spawn([&, i] { feed(pipes[i], i, end); });
        }
        all.spawn([&] { echo_to_itself(cede::preemptive, sum, end); });
        all.spawn([&] { echo_to_itself(cede::cooperative, sum, end); });
        for (unsigned id = 0; id < 12; ++id)
          all.spawn(id % 3 == 0 ? cede::cooperative : cede::preemptive, [&, id] {
            std::mt19937 random(id);
            while (cede::clock::now() < end) {
              allocate(random);
              print(file);
              if (id % 4 == 1) {
                const cede::no_preempt region;
                allocate(random);
              }
              ++sum.turns;
              if (random() % 4 == 0 || id % 3 == 0) cede::this_fiber::yield();
            }
          });
        EXPECT_TRUE(all.join());
      });
  std::fclose(file);
  EXPECT_EQ(code, 0);
  EXPECT_GT(sum.calls, 0U);
  EXPECT_GT(sum.replies, 0U);
  EXPECT_GT(sum.turns, 0U);
  std::printf("%llu calls that blocked, %llu replies, %llu turns\n",
              static_cast<unsigned long long>(sum.calls),
              static_cast<unsigned long long>(sum.replies),
              static_cast<unsigned long long>(sum.turns));
}

TEST(hand_over_stress, one_worker_goes_on_whoever_blocks) { stress(1, 4s); }
TEST(hand_over_stress, two_workers_go_on_whoever_blocks) { stress(2, 4s); }
TEST(hand_over_stress_nightly, one_worker_goes_on_for_long) { stress(1, 60s); }
TEST(hand_over_stress_nightly, two_workers_go_on_for_long) { stress(2, 60s); }

}  // namespace
