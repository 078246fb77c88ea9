#include "base/signals.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

#include "base/sanitizers.hpp"

namespace {

namespace signals = cede::base::signals;

struct sigaction disposition_of(int number) {
  struct sigaction now{};
  EXPECT_EQ(::sigaction(number, nullptr, &now), 0);
  return now;
}

// Puts the disposition back when a test ends, whatever happened.
class own_handler {
 public:
  own_handler(int number, void (*handler)(int)) : number_(number) {
    struct sigaction wanted{};
    wanted.sa_handler = handler;
    ::sigaction(number, &wanted, &before_);
  }
  ~own_handler() { ::sigaction(number_, &before_, nullptr); }
  own_handler(const own_handler&) = delete;
  own_handler& operator=(const own_handler&) = delete;

 private:
  int number_;
  struct sigaction before_{};
};

signals::subscription subscribe(int number, std::function<void(int)> callback) {
  return signals::subscribe(std::array{number}, std::move(callback)).value();
}

TEST(subscription, a_signal_reaches_the_callback_on_the_dispatcher_thread) {
  std::binary_semaphore called(0);
  int received = 0;
  std::array<char, 16> name{};
  const auto subscribed = subscribe(SIGUSR1, [&](int number) {
    received = number;
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    called.release();
  });
  ::kill(::getpid(), SIGUSR1);
  called.acquire();
  EXPECT_EQ(received, SIGUSR1);
  EXPECT_STREQ(name.data(), "cede-signals");
}

TEST(subscription, one_may_cover_several_numbers) {
  std::counting_semaphore<2> called(0);
  std::atomic<int> sum = 0;
  const auto subscribed = signals::subscribe(std::array{SIGUSR1, SIGUSR2}, [&](int number) {
                            sum += number;
                            called.release();
                          }).value();
  ::kill(::getpid(), SIGUSR1);
  ::kill(::getpid(), SIGUSR2);
  called.acquire();
  called.acquire();
  EXPECT_EQ(sum.load(), SIGUSR1 + SIGUSR2);
}

TEST(subscription, all_subscribers_of_a_number_are_called) {
  std::binary_semaphore first(0);
  std::binary_semaphore second(0);
  const auto one = subscribe(SIGUSR1, [&](int) { first.release(); });
  const auto other = subscribe(SIGUSR1, [&](int) { second.release(); });
  ::kill(::getpid(), SIGUSR1);
  first.acquire();
  second.acquire();
}

TEST(subscription, dropping_restores_the_disposition) {
  const own_handler ignoring(SIGUSR1, SIG_IGN);
  {
    const auto subscribed = subscribe(SIGUSR1, [](int) {});
    EXPECT_NE(disposition_of(SIGUSR1).sa_handler, SIG_IGN);
    const auto another = subscribe(SIGUSR1, [](int) {});
  }
  EXPECT_EQ(disposition_of(SIGUSR1).sa_handler, SIG_IGN);
}

TEST(subscription, the_disposition_stays_until_the_last_subscriber_is_gone) {
  auto first = subscribe(SIGUSR1, [](int) {});
  std::binary_semaphore called(0);
  const auto second = subscribe(SIGUSR1, [&](int) { called.release(); });
  first = signals::subscription();
  ::kill(::getpid(), SIGUSR1);
  called.acquire();
}

bool dispatcher_runs() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name == "cede-signals") return true;
  }
  return false;
}

TEST(subscription, the_dispatcher_thread_ends_with_the_last) {
  {
    std::binary_semaphore called(0);
    const auto subscribed = subscribe(SIGUSR1, [&](int) { called.release(); });
    ::kill(::getpid(), SIGUSR1);
    called.acquire();
    EXPECT_TRUE(dispatcher_runs());
  }
  // A joined thread is listed until the kernel has put it away, one that runs on for ever.
  while (dispatcher_runs()) std::this_thread::yield();
}

std::atomic<int> chained = 0;

TEST(subscription, a_handler_that_was_there_before_is_called_too) {
  chained = 0;
  const own_handler before(SIGUSR1, [](int number) { chained = number; });
  std::binary_semaphore called(0);
  const auto subscribed = subscribe(SIGUSR1, [&](int) { called.release(); });
  ::kill(::getpid(), SIGUSR1);
  called.acquire();
  EXPECT_EQ(chained.load(), SIGUSR1);
}

TEST(subscription, a_handler_installed_later_stays) {
  static void (*const later)(int) = [](int) {};
  {
    const auto subscribed = subscribe(SIGUSR1, [](int) {});
    ::signal(SIGUSR1, later);
  }
  EXPECT_EQ(disposition_of(SIGUSR1).sa_handler, later);
  ::signal(SIGUSR1, SIG_DFL);
}

TEST(subscription, dropping_waits_for_a_running_callback) {
  std::binary_semaphore entered(0);
  std::binary_semaphore go_on(0);
  std::atomic<bool> ended = false;
  auto subscribed = subscribe(SIGUSR1, [&](int) {
    entered.release();
    go_on.acquire();
    ended.store(true);
  });
  ::kill(::getpid(), SIGUSR1);
  entered.acquire();
  std::thread releaser([&] { go_on.release(); });
  subscribed = signals::subscription();
  EXPECT_TRUE(ended.load());
  releaser.join();
}

TEST(subscription, a_callback_may_drop_its_own) {
  std::binary_semaphore dropped(0);
  signals::subscription subscribed;
  subscribed = subscribe(SIGUSR1, [&](int) {
    subscribed = signals::subscription();
    dropped.release();
  });
  ::kill(::getpid(), SIGUSR1);
  dropped.acquire();
  EXPECT_EQ(disposition_of(SIGUSR1).sa_handler, SIG_DFL);
  std::binary_semaphore called(0);
  const auto again = subscribe(SIGUSR1, [&](int) { called.release(); });
  ::kill(::getpid(), SIGUSR1);
  called.acquire();
}

TEST(subscription, what_the_callback_captured_ends_with_the_subscription) {
  const auto shared = std::make_shared<int>(1);
  {
    const auto subscribed = subscribe(SIGUSR1, [shared](int) {});
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(subscription, threads_may_subscribe_and_drop_while_signals_arrive) {
  const own_handler harmless(SIGUSR1, [](int) {});
  const auto churn = [] {
    for (int i = 0; i < 50; ++i) {
      const auto subscribed = subscribe(SIGUSR1, [](int) {});
      ::kill(::getpid(), SIGUSR1);
    }
  };
  std::thread other(churn);
  churn();
  other.join();
}

#if !CEDE_TSAN  // which runs no deferred handlers in the child of a process with threads
TEST(subscription, a_forked_child_meets_the_disposition_of_before) {
  const auto subscribed = subscribe(SIGUSR1, [](int) {});
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::kill(::getpid(), SIGUSR1);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGUSR1);
}
#endif

TEST(subscription_death_test, synchronous_signals_have_no_subscribers) {
  if (CEDE_EMULATED) GTEST_SKIP() << "an emulated program cannot start itself anew";
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a new program, since a forked child may not
  EXPECT_DEATH(subscribe(SIGSEGV, [](int) {}), "only asynchronous signals have subscribers");
  EXPECT_DEATH(subscribe(0, [](int) {}), "only asynchronous signals have subscribers");
}

// A page that faults until it is made accessible.
class closed_page {
 public:
  closed_page()
      : page_(static_cast<volatile char*>(
            ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    current = this;
  }
  ~closed_page() { ::munmap(const_cast<char*>(page_), 4096); }
  closed_page(const closed_page&) = delete;
  closed_page& operator=(const closed_page&) = delete;

  void touch() { *page_ = 1; }
  bool open_if_hit(const void* address) {
    if (address != page_) return false;
    return ::mprotect(const_cast<char*>(page_), 4096, PROT_READ | PROT_WRITE) == 0;
  }

  static closed_page* current;

 private:
  volatile char* page_;
};
closed_page* closed_page::current = nullptr;

bool open_page(int, siginfo_t* info, void*) noexcept {
  return closed_page::current->open_if_hit(info->si_addr);
}
bool not_mine(int, siginfo_t*, void*) noexcept { return false; }

TEST(fault_handler, a_fault_that_is_dealt_with_goes_on_at_the_instruction) {
  closed_page page;
  EXPECT_EQ(signals::set_fault_handler(open_page), nullptr);
  errno = 42;
  page.touch();
  EXPECT_EQ(errno, 42);
  EXPECT_EQ(signals::set_fault_handler(nullptr), &open_page);
}

TEST(fault_handler, taking_it_out_restores_the_disposition) {
  const auto before = disposition_of(SIGSEGV).sa_sigaction;
  EXPECT_EQ(signals::set_fault_handler(not_mine), nullptr);
  EXPECT_NE(disposition_of(SIGSEGV).sa_sigaction, before);
  EXPECT_EQ(signals::set_fault_handler(open_page), &not_mine);
  EXPECT_EQ(signals::set_fault_handler(nullptr), &open_page);
  EXPECT_EQ(disposition_of(SIGSEGV).sa_sigaction, before);
}

void leave_with_9(int) { ::_exit(9); }

TEST(fault_handler_death_test, an_unknown_fault_goes_to_the_handler_of_before) {
  const auto fault = [] {
    ::signal(SIGSEGV, leave_with_9);
    signals::set_fault_handler(not_mine);
    closed_page().touch();
  };
  EXPECT_EXIT(fault(), testing::ExitedWithCode(9), "");
}

TEST(fault_handler_death_test, without_one_the_default_action_follows) {
  const auto fault = [] {
    ::signal(SIGSEGV, SIG_DFL);
    signals::set_fault_handler(not_mine);
    closed_page().touch();
  };
  EXPECT_EXIT(fault(), testing::KilledBySignal(SIGSEGV), "");
}

TEST(fault_handler_death_test, a_fault_signal_sent_by_somebody_kills_as_before) {
  const auto sent = [] {
    ::signal(SIGBUS, SIG_DFL);
    signals::set_fault_handler(not_mine);
    ::raise(SIGBUS);
  };
  EXPECT_EXIT(sent(), testing::KilledBySignal(SIGBUS), "");
}

TEST(fault_handler_death_test, a_sent_fault_signal_that_was_ignored_stays_ignored) {
  const auto sent = [] {
    ::signal(SIGBUS, SIG_IGN);
    signals::set_fault_handler(not_mine);
    ::raise(SIGBUS);
    ::_exit(3);
  };
  EXPECT_EXIT(sent(), testing::ExitedWithCode(3), "");
}

TEST(interrupt_signal, is_a_real_time_signal_and_stays_the_same) {
  EXPECT_GE(signals::interrupt_signal(), SIGRTMIN);
  EXPECT_LE(signals::interrupt_signal(), SIGRTMAX);
  EXPECT_EQ(signals::interrupt_signal(), signals::interrupt_signal());
  EXPECT_EQ(disposition_of(signals::interrupt_signal()).sa_flags & SA_RESTART, 0);
}

TEST(interrupt_signal, makes_a_blocked_call_return) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  std::atomic<bool> ended = false;
  std::thread blocked([&] {
    char byte = 0;
    EXPECT_EQ(::read(pipe[0], &byte, 1), -1);
    EXPECT_EQ(errno, EINTR);
    ended.store(true);
  });
  // Again and again: one that comes before the call is lost, which context/interruptible mends.
  while (!ended.load()) {
    ::pthread_kill(blocked.native_handle(), signals::interrupt_signal());
    std::this_thread::yield();
  }
  blocked.join();
  ::close(pipe[0]);
  ::close(pipe[1]);
}

std::atomic<void*> interrupted_context = nullptr;

TEST(interrupt_signal, the_handler_gets_the_interrupted_context) {
  signals::set_interrupt_handler(
      [](void* context) noexcept { interrupted_context.store(context); });
  ::pthread_kill(::pthread_self(), signals::interrupt_signal());
  signals::set_interrupt_handler(nullptr);
  EXPECT_NE(interrupted_context.load(), nullptr);
}

std::atomic<int> kicks = 0;
std::atomic<bool> kick_blocked_fault = false;
std::atomic<bool> kick_left_asynchronous = false;

void look_at_mask(void*) noexcept {
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP})
    if (::sigismember(&now, fault) != 0) kick_blocked_fault.store(true);
  for (const int other : {SIGTERM, SIGALRM, signals::interrupt_signal(), signals::kick_signal()})
    if (::sigismember(&now, other) == 0) kick_left_asynchronous.store(true);
  errno = ENOENT;
  ++kicks;
}

TEST(kick_signal, is_a_real_time_signal_of_its_own_that_restarts_calls_on_the_alternate_stack) {
  EXPECT_GE(signals::kick_signal(), SIGRTMIN);
  EXPECT_LE(signals::kick_signal(), SIGRTMAX);
  EXPECT_EQ(signals::kick_signal(), signals::kick_signal());
  EXPECT_NE(signals::kick_signal(), signals::interrupt_signal());
  const auto disposition = disposition_of(signals::kick_signal());
  EXPECT_NE(disposition.sa_flags & SA_RESTART, 0);
  EXPECT_NE(disposition.sa_flags & SA_ONSTACK, 0);
}

TEST(kick_signal, runs_the_handler_on_the_kicked_thread_with_faults_open_and_all_else_blocked) {
  signals::set_kick_handler(look_at_mask);
  kicks = 0;
  errno = 42;
  EXPECT_TRUE(signals::kick(::gettid()));
  EXPECT_EQ(errno, 42);
  EXPECT_EQ(kicks.load(), 1);
  // ThreadSanitizer runs handlers with everything blocked.
  EXPECT_EQ(kick_blocked_fault.load(), CEDE_TSAN != 0);
  EXPECT_FALSE(kick_left_asynchronous.load());
  signals::set_kick_handler(nullptr);
  EXPECT_TRUE(signals::kick(::gettid()));
  EXPECT_EQ(kicks.load(), 1);
}

TEST(kick_signal, is_blocked_while_a_fault_is_dealt_with) {
  static bool blocked = false;
  static const int kick = signals::kick_signal();  // the first call takes memory
  const auto look = [](int, siginfo_t* info, void*) noexcept {
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    blocked = ::sigismember(&now, kick) != 0;
    return closed_page::current->open_if_hit(info->si_addr);
  };
  closed_page page;
  signals::set_fault_handler(look);
  page.touch();
  signals::set_fault_handler(nullptr);
  EXPECT_TRUE(blocked);
}

TEST(kick_signal, a_thread_that_is_gone_cannot_be_kicked) {
  pid_t gone = 0;
  std::thread([&] { gone = ::gettid(); }).join();
  while (signals::kick(gone)) std::this_thread::yield();
}

void write_to_closed_pipe() {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  ::close(pipe[0]);
  EXPECT_EQ(::write(pipe[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(pipe[1]);
}

TEST(sigpipe, does_not_kill_while_exempted) {
  const own_handler standard(SIGPIPE, SIG_DFL);
  {
    auto first = signals::ignore_sigpipe();
    const auto moved = std::move(first);
    const auto second = signals::ignore_sigpipe();
    EXPECT_NE(disposition_of(SIGPIPE).sa_handler, SIG_IGN);
    write_to_closed_pipe();
  }
  EXPECT_EQ(disposition_of(SIGPIPE).sa_handler, SIG_DFL);
}

TEST(sigpipe, an_ending_exemption_leaves_the_others) {
  const own_handler standard(SIGPIPE, SIG_DFL);
  const auto outer = signals::ignore_sigpipe();
  {
    const auto inner = signals::ignore_sigpipe();
  }
  write_to_closed_pipe();
}

TEST(sigpipe, what_the_application_set_stays) {
  const own_handler ignoring(SIGPIPE, SIG_IGN);
  const auto exemption = signals::ignore_sigpipe();
  EXPECT_EQ(disposition_of(SIGPIPE).sa_handler, SIG_IGN);
}

TEST(sigpipe, may_be_subscribed_to_as_well) {
  const own_handler standard(SIGPIPE, SIG_DFL);
  const auto exemption = signals::ignore_sigpipe();
  std::binary_semaphore called(0);
  {
    const auto subscribed = subscribe(SIGPIPE, [&](int) { called.release(); });
    write_to_closed_pipe();
    called.acquire();
  }
  write_to_closed_pipe();
}

}  // namespace
