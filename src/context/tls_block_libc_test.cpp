// What the C library keeps for each thread, in fibers with TLS blocks of their own.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <langinfo.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "context/tls_block.hpp"
#include "context/tls_test_fiber.hpp"

namespace {

using namespace cede::context;
using cede::context::testing::tls_test_fiber;

class tls_block_libc_test : public ::testing::Test {
 protected:
  void SetUp() override { CEDE_SKIP_WITHOUT_OWN_TLS(); }
};

TEST_F(tls_block_libc_test, memory_may_be_freed_by_another_fiber_or_thread) {
  std::vector<std::string*> made;
  auto make = [&](tls_test_fiber& self) {
    for (int i = 0; i < 2000; ++i) {
      made.push_back(new std::string(static_cast<std::size_t>(i % 700), 'x'));
      if (i % 500 == 0) self.park();
    }
  };
  tls_test_fiber one(make);
  tls_test_fiber two(make);
  tls_test_fiber freer([&](tls_test_fiber& self) {
    while (!one.over() || !two.over()) {
      for (auto* each : made) delete each;
      made.clear();
      self.park();
    }
  });
  while (!freer.over()) {
    if (!one.over()) one.resume();
    if (!two.over()) two.resume();
    freer.resume();
  }
  for (auto* each : made) delete each;
}

TEST_F(tls_block_libc_test, a_stream_is_locked_by_the_fiber_that_holds_it) {
  char buffer[64] = {};
  FILE* stream = fmemopen(buffer, sizeof(buffer), "w");
  ASSERT_NE(stream, nullptr);
  tls_test_fiber holder([&](tls_test_fiber& self) {
    flockfile(stream);
    flockfile(stream);  // recursive for its owner
    std::fputs("in", stream);
    self.park();
    funlockfile(stream);
    funlockfile(stream);
  });
  holder.resume();
  EXPECT_NE(ftrylockfile(stream), 0) << "another thread would be let in";
  holder.resume();
  EXPECT_EQ(ftrylockfile(stream), 0);
  funlockfile(stream);
  std::fclose(stream);
  EXPECT_STREQ(buffer, "in");
}

TEST_F(tls_block_libc_test, formatted_output_and_streams_of_cpp_work) {
  tls_test_fiber fiber([](tls_test_fiber&) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.3f %d", 1.5, 42);
    EXPECT_STREQ(text, "1.500 42");
    std::ostringstream out;
    out << 3.25 << ' ' << std::hex << 255;
    EXPECT_EQ(out.str(), "3.25 ff");
  });
  fiber.resume();
}

TEST_F(tls_block_libc_test, uselocale_is_the_fibers_own) {
  const locale_t utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
  ASSERT_NE(utf8, nullptr);
  const std::string outside = nl_langinfo(CODESET);
  tls_test_fiber fiber([&](tls_test_fiber& self) {
    EXPECT_EQ(uselocale(nullptr), LC_GLOBAL_LOCALE);
    EXPECT_TRUE(std::isalpha('a'));  // the tables that __ctype_init sets
    uselocale(utf8);
    self.park();
    EXPECT_STREQ(nl_langinfo(CODESET), "UTF-8");
    uselocale(LC_GLOBAL_LOCALE);
  });
  fiber.resume();
  EXPECT_EQ(nl_langinfo(CODESET), outside);
  fiber.resume();
  freelocale(utf8);
}

TEST_F(tls_block_libc_test, static_buffers_of_libc_are_those_of_a_thread) {
  char* const outside = strerror(123456);
  const std::string text = outside;
  tls_test_fiber fiber([&](tls_test_fiber&) {
    EXPECT_NE(strerror(654321), outside);
    EXPECT_EQ(h_errno, 0);
    h_errno = TRY_AGAIN;
  });
  h_errno = NO_DATA;
  fiber.resume();
  EXPECT_EQ(h_errno, NO_DATA);
  EXPECT_EQ(text, outside) << "the fiber wrote into the thread's buffer";
}

TEST_F(tls_block_libc_test, the_resolvers_state_is_the_blocks_own_and_works) {
  auto* const outside = __res_state();
  tls_test_fiber fiber([&](tls_test_fiber& self) {
    auto* state = reinterpret_cast<std::byte*>(__res_state());
    auto* pointer = static_cast<std::byte*>(self.block().thread_pointer());
    EXPECT_GT(state, pointer);
    EXPECT_LT(state, pointer + tls_block_bytes());
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    ASSERT_EQ(getaddrinfo("localhost", "80", &hints, &found), 0);
    EXPECT_NE(found, nullptr);
    freeaddrinfo(found);
  });
  fiber.resume();
  EXPECT_EQ(__res_state(), outside);
}

struct key_fixture {
  static inline pthread_key_t key;
  static inline int runs = 0;
  static inline int rearm = 0;
};

void key_destructor(void* value) {
  ++key_fixture::runs;
  if (key_fixture::rearm-- > 0) pthread_setspecific(key_fixture::key, value);
}

TEST_F(tls_block_libc_test, destructors_of_keys_run_at_the_fibers_end_and_again_when_armed_again) {
  ASSERT_EQ(pthread_key_create(&key_fixture::key, &key_destructor), 0);
  int outside = 0;
  int inside = 0;
  pthread_setspecific(key_fixture::key, &outside);
  key_fixture::runs = 0;
  key_fixture::rearm = 2;
  tls_test_fiber fiber([&](tls_test_fiber& self) {
    EXPECT_EQ(pthread_getspecific(key_fixture::key), nullptr);
    pthread_setspecific(key_fixture::key, &inside);
    self.park();
    EXPECT_EQ(pthread_getspecific(key_fixture::key), &inside);
  });
  fiber.resume();
  EXPECT_EQ(pthread_getspecific(key_fixture::key), &outside);
  EXPECT_EQ(key_fixture::runs, 0);
  fiber.resume();
  EXPECT_EQ(key_fixture::runs, 3);
  pthread_key_delete(key_fixture::key);
}

TEST_F(tls_block_libc_test, keys_beyond_the_first_block_work_and_are_freed) {
  std::vector<pthread_key_t> keys(200);
  static int runs;
  runs = 0;
  for (auto& key : keys) ASSERT_EQ(pthread_key_create(&key, [](void*) { ++runs; }), 0);
  tls_test_fiber fiber([&](tls_test_fiber&) {
    for (auto& key : keys) ASSERT_EQ(pthread_setspecific(key, &key), 0);
    for (auto& key : keys) ASSERT_EQ(pthread_getspecific(key), &key);
  });
  fiber.resume();
  EXPECT_EQ(runs, 200);
  for (auto& key : keys) pthread_key_delete(key);
}

class owned_mutex {
 public:
  explicit owned_mutex(int type, bool robust = false) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    if (robust) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  ~owned_mutex() { pthread_mutex_destroy(&mutex_); }
  owned_mutex(const owned_mutex&) = delete;
  owned_mutex& operator=(const owned_mutex&) = delete;
  pthread_mutex_t* operator&() { return &mutex_; }

 private:
  pthread_mutex_t mutex_;
};

TEST_F(tls_block_libc_test, a_mutex_that_checks_its_owner_tells_fibers_apart) {
  owned_mutex checking(PTHREAD_MUTEX_ERRORCHECK);
  owned_mutex recursive(PTHREAD_MUTEX_RECURSIVE);
  tls_test_fiber owner([&](tls_test_fiber& self) {
    EXPECT_EQ(pthread_mutex_lock(&checking), 0);
    EXPECT_EQ(pthread_mutex_lock(&checking), EDEADLK);
    EXPECT_EQ(pthread_mutex_lock(&recursive), 0);
    EXPECT_EQ(pthread_mutex_lock(&recursive), 0);
    self.park();
    EXPECT_EQ(pthread_mutex_unlock(&recursive), 0);
    EXPECT_EQ(pthread_mutex_unlock(&recursive), 0);
    EXPECT_EQ(pthread_mutex_unlock(&checking), 0);
  });
  tls_test_fiber other([&](tls_test_fiber&) {
    EXPECT_EQ(pthread_mutex_trylock(&checking), EBUSY);
    EXPECT_EQ(pthread_mutex_unlock(&checking), EPERM);
    EXPECT_EQ(pthread_mutex_trylock(&recursive), EBUSY);
  });
  owner.resume();
  other.resume();
  EXPECT_EQ(pthread_mutex_unlock(&checking), EPERM);
  owner.resume();
}

TEST_F(tls_block_libc_test, a_robust_mutex_of_a_fiber_that_ended_tells_its_next_owner) {
  owned_mutex robust(PTHREAD_MUTEX_NORMAL, true);
  owned_mutex untouched(PTHREAD_MUTEX_NORMAL, true);
  tls_test_fiber fiber([&](tls_test_fiber&) {
    EXPECT_EQ(pthread_mutex_lock(&untouched), 0);
    EXPECT_EQ(pthread_mutex_lock(&robust), 0);
    EXPECT_EQ(pthread_mutex_unlock(&untouched), 0);
  });
  fiber.resume();
  EXPECT_EQ(pthread_mutex_lock(&untouched), 0);
  pthread_mutex_unlock(&untouched);
  ASSERT_EQ(pthread_mutex_lock(&robust), EOWNERDEAD);
  EXPECT_EQ(pthread_mutex_consistent(&robust), 0);
  pthread_mutex_unlock(&robust);
}

TEST_F(tls_block_libc_test, a_thread_that_waits_for_a_robust_mutex_is_woken_when_its_fiber_ends) {
  owned_mutex robust(PTHREAD_MUTEX_NORMAL, true);
  int outcome = 0;
  std::thread waiter;
  tls_test_fiber fiber([&](tls_test_fiber& self) {
    EXPECT_EQ(pthread_mutex_lock(&robust), 0);
    self.park();
  });
  fiber.resume();
  waiter = std::thread([&] { outcome = pthread_mutex_lock(&robust); });
  fiber.resume();  // whether the waiter already waits or not
  waiter.join();
  EXPECT_EQ(outcome, EOWNERDEAD);
}

int cleanups = 0;
struct unwound {
  ~unwound() { ++cleanups; }
};

TEST_F(tls_block_libc_test, pthread_exit_ends_the_fiber_and_unwinds_its_stack) {
  cleanups = 0;
  ASSERT_EQ(pthread_key_create(&key_fixture::key, &key_destructor), 0);
  key_fixture::runs = key_fixture::rearm = 0;
  tls_test_fiber fiber([&](tls_test_fiber& self) {
    unwound outer;
    pthread_setspecific(key_fixture::key, &self);
    try {
      unwound inner;
      self.park();
      pthread_exit(nullptr);
    } catch (const std::exception&) {
      ADD_FAILURE() << "it is no exception of this kind";
    }
    ADD_FAILURE() << "pthread_exit returned";
  });
  fiber.resume();
  EXPECT_EQ(cleanups, 0);
  fiber.resume();
  EXPECT_TRUE(fiber.over());
  EXPECT_EQ(fiber.end(), thread_end::unwound);
  EXPECT_EQ(cleanups, 2);
  EXPECT_EQ(key_fixture::runs, 1);
  pthread_key_delete(key_fixture::key);
}

TEST_F(tls_block_libc_test, a_deferred_cancel_reaches_the_fiber_at_a_cancellation_point) {
  cleanups = 0;
  tls_test_fiber fiber([](tls_test_fiber& self) {
    unwound guard;
    self.park();
    pthread_testcancel();
    ADD_FAILURE() << "the cancel did not come";
  });
  fiber.resume();
  // Cancelling marks the fiber; the signal that would get a thread out of a system call has no
  // thread to go to.
  pthread_cancel(reinterpret_cast<pthread_t>(fiber.block().thread_pointer()));
  fiber.resume();
  EXPECT_TRUE(fiber.over());
  EXPECT_EQ(fiber.end(), thread_end::unwound);
  EXPECT_EQ(cleanups, 1);
}

TEST_F(tls_block_libc_test, an_exception_that_is_caught_leaves_the_fiber_running) {
  tls_test_fiber fiber([](tls_test_fiber& self) {
    try {
      unwound guard;
      self.park();
      throw std::string("kept");
    } catch (const std::string& caught) {
      self.park();
      EXPECT_EQ(caught, "kept");
    }
  });
  fiber.resume();
  fiber.resume();
  EXPECT_EQ(std::current_exception(), nullptr);
  fiber.resume();
  EXPECT_EQ(fiber.end(), thread_end::returned);
}

// The kernel knows no thread of that id; what asks it about one gets an error, not an answer about
// somebody else.
TEST_F(tls_block_libc_test, calls_that_ask_the_kernel_about_the_thread_fail_cleanly) {
  tls_test_fiber fiber([](tls_test_fiber&) {
    pthread_attr_t attributes;
    EXPECT_EQ(pthread_getattr_np(pthread_self(), &attributes), ESRCH);
    cpu_set_t cpus;
    EXPECT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus), ESRCH);
    EXPECT_EQ(pthread_join(pthread_self(), nullptr), EINVAL);
    int policy = -1;
    sched_param parameters{};
    EXPECT_EQ(pthread_getschedparam(pthread_self(), &policy, &parameters), 0);
    EXPECT_EQ(policy, SCHED_OTHER);
    EXPECT_GE(sched_getcpu(), 0);
  });
  fiber.resume();
  EXPECT_EQ(pthread_kill(reinterpret_cast<pthread_t>(pthread_self()), 0), 0);
}

TEST_F(tls_block_libc_test, raise_reaches_the_thread_that_the_fiber_runs_on) {
  static volatile sig_atomic_t seen;
  seen = 0;
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) { seen = 1; };
  sigaction(SIGUSR1, &action, &before);
  tls_test_fiber fiber([](tls_test_fiber&) { EXPECT_EQ(raise(SIGUSR1), 0); });
  fiber.resume();
  EXPECT_EQ(seen, 1);
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(tls_block_libc_test, a_fiber_may_start_threads_and_join_them) {
  tls_test_fiber fiber([](tls_test_fiber& self) {
    errno = 5;
    int answer = 0;
    std::thread thread([&] {
      errno = 6;
      std::string text(1000, 'a');
      answer = static_cast<int>(text.size());
    });
    self.park();
    thread.join();
    EXPECT_EQ(answer, 1000);
    EXPECT_EQ(errno, 5);
  });
  fiber.resume();
  fiber.resume();
}

TEST_F(tls_block_libc_test, call_once_runs_once_and_again_after_an_exception) {
  std::once_flag once;
  int runs = 0;
  auto body = [&](tls_test_fiber&) {
    try {
      std::call_once(once, [&] {
        if (++runs == 1) throw 1;
      });
    } catch (int) {
      EXPECT_EQ(runs, 1);
    }
  };
  for (int i = 0; i < 3; ++i) {
    tls_test_fiber fiber(body);
    fiber.resume();
  }
  EXPECT_EQ(runs, 2);
}

// The C library makes the call in each of its threads and waits for all. In a fiber it would wait
// for ever: docs/support.md. Parked fibers are no threads of its.
TEST_F(tls_block_libc_test, a_change_of_user_by_a_thread_does_not_wait_for_parked_fibers) {
  tls_test_fiber fiber([](tls_test_fiber& self) { self.park(); });
  fiber.resume();
  EXPECT_EQ(setegid(getegid()), 0);
  fiber.resume();
}

TEST_F(tls_block_libc_test, a_child_of_fork_goes_on_as_the_fiber) {
  tls_test_fiber fiber([](tls_test_fiber&) {
    const pid_t child = fork();
    if (child == 0) {
      std::string text(100, 'b');
      FILE* null = std::fopen("/dev/null", "w");
      const bool good = null != nullptr && std::fputs(text.c_str(), null) >= 0 && errno == 0;
      _exit(good ? 7 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
    EXPECT_EQ(std::system("exit 3"), 3 << 8);
  });
  fiber.resume();
}

}  // namespace
