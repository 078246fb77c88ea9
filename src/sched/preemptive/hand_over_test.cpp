// Workers whose threads are held up: by a preemptive fiber in a blocking system call, by a lock of
// the C library whose holder has been preempted.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cede/log.hpp>
#include <cede/no_preempt.hpp>
#include <cede/spawn.hpp>
#include <cede/this_fiber.hpp>
#include <cerrno>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sched/preemptive/spare_threads.hpp"
#include "sched/test_scheduler.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;

struct setting {
  unsigned workers = 1;
  unsigned spare_threads = 8;
  watchdog_options watchdog{};
};

std::unique_ptr<scheduler> make_scheduler(setting how) {
  return scheduler::create({.workers = how.workers,
                            .make_policy = [](unsigned) { return std::make_unique<fifo_policy>(); },
                            .make_poller = [](worker&) -> result<std::unique_ptr<poller>> {
                              return std::make_unique<futex_poller>();
                            },
                            .watchdog = std::move(how.watchdog),
                            .slice = 1ms,
                            .spare_threads = how.spare_threads})
      .value();
}

class a_pipe {
 public:
  a_pipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~a_pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  a_pipe(const a_pipe&) = delete;
  a_pipe& operator=(const a_pipe&) = delete;
  // Plain calls: what a library does that knows nothing of fibers.
  char read() {
    char c = 0;
    EXPECT_EQ(::read(ends_[0], &c, 1), 1);
    return c;
  }
  void write(char c) { EXPECT_EQ(::write(ends_[1], &c, 1), 1); }

 private:
  std::array<int, 2> ends_{};
};

class hand_over : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* const obstacle = obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  }
  static void run(std::function<void()> f, setting how = {}) {
    const auto in = make_scheduler(std::move(how));
    run_in(*in, std::move(f));
  }
};

thread_local int mine = 7;

TEST_F(hand_over, while_a_preemptive_fiber_blocks_all_others_of_its_worker_go_on) {
  run([] {
    a_pipe pipe;
    std::atomic<bool> blocks{false};
    auto reader = spawn(preemptive, [&] {
                    mine = 8;
                    errno = 77;
                    blocks = true;
                    EXPECT_EQ(pipe.read(), 'x');
                    EXPECT_EQ(errno, 77);
                    EXPECT_EQ(mine, 8);
                    EXPECT_TRUE(this_fiber::sleep_for(1ms));
                    EXPECT_EQ(mine, 8);
                  }).value();
    std::atomic<int> beside{0};
    auto other = spawn(preemptive, [&] {
                   for (int i = 0; i < 5; ++i) EXPECT_TRUE(this_fiber::sleep_for(1ms));
                   ++beside;
                 }).value();
    while (!blocks) this_fiber::yield();
    EXPECT_TRUE(this_fiber::sleep_for(5ms));  // the worker's timers, in a fiber that has started
    auto fresh = spawn([&] { ++beside; }).value();
    auto fresh_preemptive = spawn(preemptive, [&] { ++beside; }).value();
    EXPECT_TRUE(fresh.join());
    EXPECT_TRUE(fresh_preemptive.join());
    EXPECT_TRUE(other.join());
    EXPECT_EQ(beside, 3);
    pipe.write('x');
    EXPECT_TRUE(reader.join());
  });
}

TEST_F(hand_over, the_worker_is_back_on_its_own_thread_when_its_fiber_has_rejoined) {
  run([] {
    a_pipe pipe;
    const pid_t own = ::gettid();
    const pthread_t self = ::pthread_self();
    auto reader = spawn(preemptive, [&] {
                    EXPECT_EQ(::gettid(), own);
                    EXPECT_EQ(pipe.read(), 'x');
                    EXPECT_EQ(::gettid(), own) << "it goes on where it is";
                  }).value();
    while (::gettid() == own) EXPECT_TRUE(this_fiber::sleep_for(1ms));
    EXPECT_EQ(::pthread_self(), self) << "to the C library this is the same thread";
    pipe.write('x');
    EXPECT_TRUE(reader.join());
    EXPECT_EQ(::gettid(), own);
    EXPECT_EQ(::pthread_self(), self);
  });
}

TEST_F(hand_over, one_after_the_other_may_block_and_they_come_back_in_any_order) {
  run([] {
    constexpr std::size_t count = 6;
    std::array<a_pipe, count> pipes;
    std::vector<int> came_back;
    std::array<cede::fiber, count> fibers;
    for (std::size_t i = 0; i < count; ++i)
      fibers[i] = spawn(preemptive, [&, i] {
                    pipes[i].read();
                    this_fiber::yield();
                    came_back.push_back(static_cast<int>(i));
                  }).value();
    for (const std::size_t i : {3, 0, 5, 1, 4, 2}) {
      EXPECT_TRUE(this_fiber::sleep_for(2ms));
      pipes[i].write('x');
      EXPECT_TRUE(fibers[i].join());
    }
    EXPECT_EQ(came_back, (std::vector<int>{3, 0, 5, 1, 4, 2}));
  });
}

TEST_F(hand_over, more_may_block_than_there_are_spare_threads) {
  run(
      [] {
        constexpr int count = 12;
        a_pipe pipe;
        std::atomic<int> done{0};
        std::vector<cede::fiber> fibers;
        for (int i = 0; i < count; ++i)
          fibers.push_back(spawn(preemptive, [&] {
                             pipe.read();
                             ++done;
                           }).value());
        std::thread writer([&] {
          while (done.load() < count) {
            if (done.load() < count) pipe.write('x');
            std::this_thread::sleep_for(1ms);
          }
        });
        for (auto& f : fibers) EXPECT_TRUE(f.join());
        writer.join();
      },
      {.spare_threads = 2});
}

TEST_F(hand_over, a_call_that_is_handed_over_is_not_interrupted) {
  run([] {
    auto sleeper = spawn(preemptive, [] {
                     constexpr timespec time{.tv_sec = 0, .tv_nsec = 50'000'000};
                     EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr), 0);
                   }).value();
    EXPECT_TRUE(sleeper.join());
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    ASSERT_EQ(::send(ends[0], "butter", 6, 0), 6);
    const pid_t own = ::gettid();
    auto receiver = spawn(preemptive, [&] {
                      std::array<char, 12> bytes{};
                      // A signal would have it return with what has come.
                      EXPECT_EQ(::recv(ends[1], bytes.data(), bytes.size(), MSG_WAITALL), 12);
                    }).value();
    while (::gettid() == own) EXPECT_TRUE(this_fiber::sleep_for(1ms));
    EXPECT_EQ(::send(ends[0], "scotch", 6, 0), 6);
    EXPECT_TRUE(receiver.join());
    ::close(ends[0]);
    ::close(ends[1]);
  });
}

TEST_F(hand_over, one_that_computes_after_its_call_is_preempted_and_rejoins) {
  run([] {
    a_pipe pipe;
    std::atomic<bool> over{false};
    std::atomic<pid_t> ran_on{0};
    const pid_t own = ::gettid();
    auto reader = spawn(preemptive, [&] {
                    pipe.read();
                    while (!over) {
                    }
                    ran_on = ::gettid();
                  }).value();
    while (::gettid() == own) EXPECT_TRUE(this_fiber::sleep_for(1ms));
    pipe.write('x');
    while (::gettid() != own) EXPECT_TRUE(this_fiber::sleep_for(1ms));
    over = true;
    EXPECT_TRUE(reader.join());
    EXPECT_EQ(ran_on, own);
  });
}

TEST_F(hand_over, a_stray_may_unpark_spawn_and_be_cancelled) {
  run([] {
    a_pipe pipe;
    std::atomic<runnable*> waiter{nullptr};
    bool ran = false;
    auto waits = spawn([&] {
                   waiter = &current();
                   park(wait_reason::event);
                 }).value();
    const pid_t own = ::gettid();
    auto reader = spawn(preemptive, [&] {
                    pipe.read();
                    unpark(*waiter.load());
                    auto child = spawn([&] { ran = true; }).value();
                    child = {};  // waits for its end, though this one is cancelled
                    EXPECT_EQ(park_until(wait_reason::event, never), wake::cancelled);
                  }).value();
    while (::gettid() == own || waiter == nullptr) EXPECT_TRUE(this_fiber::sleep_for(1ms));
    reader.cancel();
    pipe.write('x');
    EXPECT_TRUE(waits.join());
    EXPECT_TRUE(reader.join());
    EXPECT_TRUE(ran);
  });
}

TEST_F(hand_over, a_permit_given_to_a_stray_is_not_lost) {
  for (int round = 0; round < 30; ++round)
    run([] {
      a_pipe pipe;
      const pid_t own = ::gettid();
      std::atomic<runnable*> stray{nullptr};
      auto reader = spawn(preemptive, [&] {
                      stray = &current();
                      pipe.read();
                      park(wait_reason::event);
                    }).value();
      while (::gettid() == own) EXPECT_TRUE(this_fiber::sleep_for(1ms));
      pipe.write('x');
      std::thread waker([&] { unpark(*stray.load()); });  // at the same time as it parks
      EXPECT_TRUE(reader.join());
      waker.join();
    });
}

TEST_F(hand_over, with_two_workers_both_may_block) {
  run(
      [] {
        std::array<a_pipe, 4> pipes;
        std::vector<cede::fiber> fibers;
        for (auto& pipe : pipes)
          fibers.push_back(spawn(preemptive, [&pipe] {
                             for (int i = 0; i < 5; ++i) pipe.read();
                           }).value());
        for (int i = 0; i < 5; ++i)
          for (auto& pipe : pipes) {
            EXPECT_TRUE(this_fiber::sleep_for(1ms));
            pipe.write('x');
          }
        for (auto& f : fibers) EXPECT_TRUE(f.join());
      },
      {.workers = 2});
}

// Held by a preempted fiber for longer than a slice, as malloc's and stdio's may be.
class held_over_a_slice {
 public:
  void hold() {
    ::pthread_mutex_lock(&lock_);
    held_ = true;
    const auto end = clock::now() + 5ms;
    while (clock::now() < end) {
    }
    ::pthread_mutex_unlock(&lock_);
  }
  void take() {
    ::pthread_mutex_lock(&lock_);
    ::pthread_mutex_unlock(&lock_);
  }
  bool held() const { return held_; }

 private:
  pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
  std::atomic<bool> held_{false};
};

TEST_F(hand_over, a_cooperative_fiber_gets_a_lock_whose_holder_has_been_preempted) {
  run([] {
    held_over_a_slice lock;
    auto holder = spawn(preemptive, [&] { lock.hold(); }).value();
    while (!lock.held()) this_fiber::yield();
    lock.take();  // blocks the thread, and with it the holder's worker
    EXPECT_TRUE(holder.join());
  });
}

TEST_F(hand_over, so_does_a_preemptive_fiber_in_a_region) {
  run([] {
    held_over_a_slice lock;
    auto holder = spawn(preemptive, [&] { lock.hold(); }).value();
    auto taker = spawn(preemptive, [&] {
                   while (!lock.held()) this_fiber::yield();
                   const no_preempt region;
                   lock.take();
                 }).value();
    EXPECT_TRUE(taker.join());
    EXPECT_TRUE(holder.join());
  });
}

// Takes the lock where nothing but the loop runs: when a fiber's end has been announced.
class lock_taker final : public child_group {
 public:
  explicit lock_taker(held_over_a_slice& lock) : lock_(lock) {}
  void adopt(spawned& child) noexcept override { child.group = this; }
  void disown(spawned&) noexcept override {}
  void ended(spawned&) noexcept override {
    lock_.take();
    taken_ = true;
  }
  bool taken() const { return taken_; }

 private:
  held_over_a_slice& lock_;
  bool taken_ = false;
};

TEST_F(hand_over, so_does_the_loop_of_a_worker) {
  run([] {
    held_over_a_slice lock;
    lock_taker group(lock);
    auto holder = spawn(preemptive, [&] { lock.hold(); }).value();
    while (!lock.held()) this_fiber::yield();
    auto body = [] {};
    spawned* const last =
        worker::current()->owner().spawn(kind::preemptive, {}, detail::erase(body), &group).value();
    EXPECT_TRUE(last->join(never));
    last->release();
    EXPECT_TRUE(group.taken());
    EXPECT_TRUE(holder.join());
  });
}

std::mutex logged_lock;
std::string logged;

TEST_F(hand_over, the_watchdog_names_who_blocks_for_long) {
  const log_sink before = set_log_sink([](log_level, std::string_view line) {
    const std::lock_guard hold(logged_lock);
    logged += std::string(line) + "\n";
  });
  const auto is_logged = [](std::string_view text) {
    const std::lock_guard hold(logged_lock);
    return logged.find(text) != std::string::npos;
  };
  run(
      [&] {
        a_pipe pipe;
        auto reader = spawn(preemptive, {.name = "llama"}, [&] { pipe.read(); }).value();
        while (!is_logged("fiber 'llama' has been in the system call read for ") ||
               !is_logged("; worker 0 goes on on a spare thread"))
          EXPECT_TRUE(this_fiber::sleep_for(1ms));
        pipe.write('x');
        EXPECT_TRUE(reader.join());
      },
      {.watchdog = {.threshold = 20ms, .on_hog = nullptr}});
  logged.clear();
  run(
      [&] {
        a_pipe pipe;
        auto reader = spawn(preemptive, {.name = "yak"}, [&] { pipe.read(); }).value();
        std::thread writer([&] {
          while (!is_logged("fiber 'yak' has been in the system call read for ") ||
                 !is_logged(" and holds up worker 0: no spare thread is left"))
            std::this_thread::sleep_for(1ms);
          pipe.write('x');
        });
        EXPECT_TRUE(reader.join());
        writer.join();
      },
      {.spare_threads = 0, .watchdog = {.threshold = 20ms, .on_hog = nullptr}});
  set_log_sink(before);
}

}  // namespace
}  // namespace cede::sched
