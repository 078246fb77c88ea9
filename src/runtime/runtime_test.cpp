// cede::run and cede::runtime: exit codes, errors, signals, embedding.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cede/cede.hpp>
#include <thread>

#include "base/assert.hpp"
#include "base/sanitizers.hpp"
#include "context/machine.hpp"

namespace cede {
namespace {

using namespace std::chrono_literals;

TEST(run, gives_0_for_void_the_int_itself_and_1_for_an_error) {
  EXPECT_EQ(run([] {}), 0);
  EXPECT_EQ(run([] { return 42; }), 42);
  EXPECT_EQ(run([]() -> result<> { return {}; }), 0);
  EXPECT_EQ(run([]() -> result<int> { return 7; }), 7);
  EXPECT_EQ(run([]() -> result<> { return failure(errc::closed); }), 1);
}

TEST(run_death, an_escaping_exception_is_printed_and_aborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run([] { throw std::runtime_error("the butter fell"); }), "the butter fell");
}

TEST(run_death, an_error_whose_value_was_asked_for_is_told_with_its_reason) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto taken = tcp_listener::bind("127.0.0.1", 0).value();
  const auto place = taken.local_endpoint().value();
  EXPECT_DEATH(run([&] { tcp_listener::bind(place).value().close(); }),
               "left the main fiber: Address already in use");
  EXPECT_DEATH(run([] { tcp_stream().write_all("butter").value(); }),
               "left the main fiber: the object is closed");
}

TEST(run_death, a_broken_contract_names_who_broke_it) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto broken = [] { CEDE_REQUIRE(1 + 1 == 3, "sum: wrong"); };
  EXPECT_DEATH(run([&] { spawn({.name = "llama"}, broken).value().join().value(); }),
               "cede: sum: wrong \\(fiber 'llama', ");
  EXPECT_DEATH(run([&] { spawn(os_thread, {.name = "llama"}, broken).value().join().value(); }),
               "cede: sum: wrong \\(thread 'llama', ");
  EXPECT_DEATH(run([&] { std::thread(broken).join(); }), "cede: sum: wrong \\(thread '[^']");
}

TEST(run_death, options_that_are_wrong_are_named_with_their_value) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(run({.workers = 5'000}, [] {})), testing::ExitedWithCode(1),
              "^cede: runtime_options::workers is 5000: give 1 to 1024, or 0 for one a CPU\n$");
  EXPECT_EXIT(std::exit(run({.spare_threads = 5000}, [] {})), testing::ExitedWithCode(EXIT_FAILURE),
              "^cede: runtime_options::spare_threads is 5000: give 0 to 1024\n$");
  EXPECT_EXIT(std::exit(run({.workers = 2, .seed = 1}, [] {})), testing::ExitedWithCode(1),
              "^cede: runtime_options::workers is 2: with a seed there is one, give 1 or 0\n$");
}

// The first switch would end the process with a signal and no word.
TEST(run_death, a_machine_that_checks_returns_is_refused_with_what_to_do) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run_there = [] {
    context::returns_are_checked = []() noexcept { return true; };
    return run([] { std::exit(99); });
  };
  const auto start_there = [] {
    context::returns_are_checked = []() noexcept { return true; };
    return runtime::start().error() == errc::not_supported ? 1 : 99;
  };
  const char* const one_line =
      "^cede: [a-z ]*are on and forbid switching stacks; run with GLIBC_TUNABLES=[a-z0-9_.=]*\n$";
  EXPECT_EXIT(std::exit(run_there()), testing::ExitedWithCode(1), one_line);
  EXPECT_EXIT(std::exit(start_there()), testing::ExitedWithCode(1), one_line);
}

TEST(run, inside_a_run_is_an_error_and_a_second_run_works) {
  int inner = 0;
  EXPECT_EQ(run([&] { inner = run([] { return 5; }); }), 0);
  EXPECT_EQ(inner, 1);
  EXPECT_EQ(run([] { return 5; }), 5);
}

TEST(run, main_is_a_fiber_on_the_calling_thread) {
  const auto caller = std::this_thread::get_id();
  run([caller] {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(this_fiber::name(), "main");
    this_fiber::yield();
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
}

TEST(run, too_many_workers_is_an_error) {
  EXPECT_EQ(run({.workers = 1'000'000}, [] {}), 1);
}

TEST(run, ends_what_a_static_handle_still_holds) {
  static fiber kept;
  EXPECT_EQ(
      run([] {
        kept = spawn([] { EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled); }).value();
      }),
      0);
  kept = fiber();
}

TEST(run, a_stop_signal_cancels_main_alone_and_the_drain_time_ends_the_rest) {
  std::error_code mains;
  std::error_code childs;
  const int code = run({.workers = 2, .drain = 50ms}, [&] {
    scope connections;
    connections.spawn([&] { childs = this_fiber::sleep_for(1h).error(); });
    connections.spawn([&] { ::kill(::getpid(), SIGTERM); });
    mains = this_fiber::sleep_for(1h).error();
    EXPECT_FALSE(childs) << "the children drain while main is cancelled already";
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(mains, errc::cancelled);
  EXPECT_EQ(childs, errc::cancelled);
}

TEST(run, what_finishes_within_the_drain_time_is_not_cancelled) {
  bool finished = false;
  EXPECT_EQ(run({.workers = 1, .drain = 1h},
                [&] {
                  scope connections;
                  event stopping;
                  connections.spawn([&] { finished = stopping.wait().has_value(); });
                  connections.spawn([&] { ::kill(::getpid(), SIGINT); });
                  EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled);
                  stopping.set();
                }),
            0);
  EXPECT_TRUE(finished);
}

TEST(run, the_end_of_the_drain_reaches_a_fiber_that_lets_no_other_run) {
  EXPECT_EQ(run({.workers = 1, .drain = 20ms},
                [] {
                  scope all;
                  all.spawn([] {
                    ::kill(::getpid(), SIGTERM);
                    while (!this_fiber::cancelled()) {
                    }
                  });
                }),
            0);
}

TEST(run, a_second_stop_signal_cancels_at_once) {
  std::error_code childs;
  EXPECT_EQ(run({.workers = 1, .drain = 1h},
                [&] {
                  scope connections;
                  connections.spawn([&] { childs = this_fiber::sleep_for(1h).error(); });
                  connections.spawn([&] { ::kill(::getpid(), SIGTERM); });
                  EXPECT_EQ(this_fiber::sleep_for(1h).error(), errc::cancelled);
                  ::kill(::getpid(), SIGTERM);
                }),
            0);
  EXPECT_EQ(childs, errc::cancelled);
}

TEST(run, signals_left_alone_stay_the_applications) {
  static std::atomic<int> seen{0};
  struct sigaction mine{};
  struct sigaction before{};
  mine.sa_handler = [](int) { ++seen; };
  ::sigaction(SIGTERM, &mine, &before);
  EXPECT_EQ(run({.signals = stop_signals::left_alone},
                [] {
                  ::raise(SIGTERM);
                  EXPECT_TRUE(this_fiber::sleep_for(1ms));
                }),
            0);
  ::sigaction(SIGTERM, &before, nullptr);
  EXPECT_EQ(seen, 1);
}

TEST(run, a_seed_makes_time_virtual) {
  EXPECT_EQ(run({.seed = 4},
                [] {
                  const auto start = clock::now();
                  EXPECT_TRUE(this_fiber::sleep_for(24h));
                  EXPECT_EQ(clock::now() - start, 24h);
                }),
            0);
}

#if !CEDE_ASAN && !CEDE_TSAN  // they bring a handler and stacks of their own
[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

TEST(run_death, a_stack_overflow_names_the_fiber_on_every_worker) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const unsigned workers : {1u, 2u})
    EXPECT_DEATH(run({.workers = workers},
                     [] {
                       // With two workers main's is the busier one, so it starts on the other.
                       auto f = spawn({.name = "deep"}, [] { recurse(0); }).value();
                       static_cast<void>(f.join());
                     }),
                 "fiber 'deep' overflowed its 64 KiB stack");
}

TEST(run_death, a_stack_overflow_names_the_os_thread_and_its_stack_size) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run([] {
                auto t = spawn(os_thread, {.name = "deep", .stack_size = 128 * 1024}, [] {
                           recurse(0);
                         }).value();
                static_cast<void>(t.join());
              }),
              testing::KilledBySignal(SIGABRT), "thread 'deep' overflowed its 128 KiB stack\n");
}

TEST(run_death, a_stack_overflow_of_an_os_thread_shows_where_it_happened) {
  if (!CEDE_HAVE_LIBDW) GTEST_SKIP() << "symbols are looked up by a library this build lacks";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run([] {
                 auto t = spawn(os_thread, [] { recurse(0); }).value();
                 static_cast<void>(t.join());
               }),
               "thread 2 overflowed its [0-9]+ KiB stack\n.*#[0-9]+ .*recurse");
}

TEST(run_death, a_stack_overflow_in_a_blocking_call_is_reported) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run([] { blocking([] { recurse(0); }); }), testing::KilledBySignal(SIGABRT),
              "a thread of cede::blocking overflowed its [0-9]+ KiB stack\n");
}

TEST(run_death, another_fault_of_an_os_thread_is_no_overflow) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run([] {
                auto t = spawn(os_thread, [] {
                           volatile auto* nowhere = reinterpret_cast<char*>(64);
                           asm volatile("" : "+r"(nowhere));
                           *nowhere = 1;
                         }).value();
                static_cast<void>(t.join());
              }),
              testing::KilledBySignal(SIGSEGV), "^$");
}
#endif

TEST(run_death, in_a_forked_child_a_static_runtime_lets_it_exit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static auto kept = runtime::start({.workers = 1}).value();
        static auto sleeper = kept.spawn([] { static_cast<void>(this_fiber::sleep_for(1h)); });
        const pid_t child = ::fork();
        if (child == 0) {
          // What exit() would do to a static of this type, without the test's own statics.
          {
            const runtime moved = std::move(kept);
          }
          ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        ::_exit(WIFEXITED(status) ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
}

// Whether a child of fork that does this ends by a signal, as one that aborts.
template <class F>
bool kills_the_child(F act) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // does not stay behind, whatever it does
    act();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

TEST(run_death, after_fork_the_child_may_only_exec_or_exit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run_forking = [](auto act) {
    run([&] {
      if (kills_the_child(act)) ::abort();
    });
  };
  const std::string refusal = ": after fork the child may only exec or exit \\(fiber 'main'";
  EXPECT_DEATH(run_forking([] { static_cast<void>(this_fiber::sleep_for(1ms)); }),
               "waiting" + refusal);
  EXPECT_DEATH(run_forking([] { static_cast<void>(tcp_listener::bind("127.0.0.1", 0)); }),
               "opening a socket" + refusal);
  EXPECT_DEATH(run_forking([] { run([] {}); }), "run" + refusal);
  EXPECT_DEATH(run([] {
                 auto here = tcp_listener::bind("127.0.0.1", 0).value();
                 auto stream = tcp_stream::connect(here.local_endpoint().value()).value();
                 if (kills_the_child([&] { static_cast<void>(stream.write_all("butter")); }))
                   ::abort();
               }),
               "reading, writing or accepting" + refusal);
}

TEST(run_death, a_child_of_fork_does_not_go_on_with_other_fibers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const kind what : {cooperative, os_thread}) {
    EXPECT_DEATH(run([what] {
                   pid_t child = -1;
                   spawn(what,
                         [&] {
                           child = ::fork();
                           if (child == 0) ::alarm(60);  // does not stay behind, whatever it does
                         })
                       .value()
                       .join()
                       .value();
                   if (child == 0) ::_exit(0);
                   int status = 0;
                   ::waitpid(child, &status, 0);
                   if (WIFSIGNALED(status)) ::abort();
                 }),
                 "the end of a fiber or thread: after fork the child may only exec or exit");
  }
}

TEST(run_death, a_broken_contract_names_the_fiber) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run({.workers = 1},
                   [] {
                     auto shared = spawn([] { return this_fiber::sleep_for(1h); }).value();
                     auto second = spawn({.name = "narcissus"}, [&] {
                                     static_cast<void>(shared.join());
                                   }).value();
                     static_cast<void>(shared.join());
                   }),
               "two join the same fiber at once .*narcissus");
}

#if !CEDE_ASAN && !CEDE_TSAN  // UBSan and TSan object to forced unwinding from a fiber
TEST(run_death, pthread_exit_in_a_fiber_is_answered_with_its_name) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run([] {
                 auto f = spawn({.name = "leaver"}, [] { ::pthread_exit(nullptr); }).value();
                 static_cast<void>(f.join());
               }),
               "pthread_exit ended a fiber.*leaver");
}

TEST(run, pthread_exit_in_an_os_thread_ends_it_and_its_join) {
  EXPECT_EQ(run([] {
              auto t = spawn(os_thread, [] { ::pthread_exit(nullptr); }).value();
              EXPECT_TRUE(t.join());
            }),
            0);
}
#endif

TEST(runtime, is_embedded_and_called_from_foreign_threads) {
  auto inside = runtime::start({.workers = 2}).value();
  EXPECT_EQ(inside.workers(), 2u);
  EXPECT_EQ(inside.run([] { return 6 * 7; }), 42);
  EXPECT_THROW(inside.run([] { throw std::runtime_error("x"); }), std::runtime_error);
  std::atomic<int> sum{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int j = 0; j < 100; ++j) sum += inside.run([] { return 1; });
    });
  for (auto& t : callers) t.join();
  EXPECT_EQ(sum, 400);
}

TEST(runtime, a_cancelled_caller_still_gets_what_was_thrown_there) {
  auto there = runtime::start({.workers = 1}).value();
  run({.workers = 1}, [&] {
    auto caller = spawn([&] {
                    EXPECT_THROW(there.run([]() -> std::string {
                      this_fiber::sleep_for(1h).value();
                      return "slept";
                    }),
                                 std::bad_expected_access<std::error_code>);
                  }).value();
    this_fiber::yield();
    caller.cancel();
    EXPECT_TRUE(caller.join());
  });
}

TEST(runtime, its_workers_threads_can_be_cancelled_out_of_a_system_call) {
  auto inside = runtime::start({.workers = 1}).value();
  auto listener = tcp_listener::bind("127.0.0.1", 0).value();
  inside.run([&] {
    auto client = tcp_stream::connect(*listener.local_endpoint()).value();
    std::atomic<bool> reading{false};
    auto t = spawn(os_thread, [&] {
               std::array<std::byte, 8> buffer;
               reading = true;
               EXPECT_EQ(client.read_some(buffer).error(), errc::cancelled);
             }).value();
    while (!reading) this_fiber::yield();
    t.cancel();
    EXPECT_TRUE(t.join());
  });
}

TEST(runtime, two_at_once_do_not_mix) {
  auto a = runtime::start({.workers = 1}).value();
  auto b = runtime::start({.workers = 1}).value();
  mutex m;
  condition_variable cv;
  int turn = 0;
  const auto play = [&](int me) {
    for (int i = 0; i < 500; ++i) {
      std::unique_lock hold(m);
      cv.wait(hold, [&] { return turn == me; });
      turn = 1 - me;
      cv.notify_all();
    }
  };
  auto fa = a.spawn([&] { play(0); }).value();
  auto fb = b.spawn([&] { play(1); }).value();
  EXPECT_TRUE(fa.join());
  EXPECT_TRUE(fb.join());
}

TEST(runtime, its_end_cancels_what_still_runs) {
  std::error_code how;
  fiber kept;
  {
    auto r = runtime::start({.workers = 1}).value();
    kept = r.spawn([&] { how = this_fiber::sleep_for(1h).error(); }).value();
  }
  EXPECT_EQ(how, errc::cancelled);
  EXPECT_TRUE(kept.join());
}

TEST(runtime, refuses_a_seed_and_bad_counts) {
  EXPECT_EQ(runtime::start({.seed = 1}).error(), errc::invalid_argument);
  EXPECT_EQ(runtime::start({.workers = 1'000'000}).error(), errc::invalid_argument);
}

}  // namespace
}  // namespace cede
