// Every instruction of the interruptible call, one by one: the processor's single-step flag stops
// before each, and the signal is delivered right there.
#include "context/interruptible.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/sanitizers.hpp"
#include "base/signals.hpp"
#include "context/registers.hpp"

extern "C" {
extern const char cede_interruptible_syscall;
extern const char cede_interruptible_made;
}

namespace cede::context {
namespace {

constexpr std::uint64_t trap_flag = 0x100;
constexpr std::uint32_t stop_bit = 1;

// One experiment: on the `before`th instruction of the function, the flag is set and the signal
// sent. It is blocked in the trap handler, so it arrives when that returns, at this instruction.
struct stepping {
  std::atomic<std::uint32_t> stop = 0;
  int before = 0;
  int seen = 0;
  bool sent = false;
};

stepping* experiment = nullptr;

void on_trap(int, siginfo_t*, void* context) {
  auto& interrupted = *static_cast<ucontext_t*>(context);
  const std::uintptr_t at = program_counter(interrupted);
  const auto from = reinterpret_cast<std::uintptr_t>(&cede_interruptible_syscall);
  const auto to = reinterpret_cast<std::uintptr_t>(&cede_interruptible_made);
  if (at < from || at >= to || experiment->seen++ != experiment->before) return;
  experiment->stop = stop_bit;
  experiment->sent = true;
  pthread_kill(pthread_self(), base::signals::interrupt_signal());
  interrupted.uc_mcontext.gregs[REG_EFL] &= ~static_cast<greg_t>(trap_flag);
}

TEST(interruptible_step_by_step, a_signal_before_any_instruction_is_not_lost) {
  if (CEDE_TSAN) GTEST_SKIP() << "handlers run late there, and another way is taken";
  install_interrupt_handler();
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  struct sigaction action{};
  struct sigaction previous{};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = on_trap;
  sigaddset(&action.sa_mask, base::signals::interrupt_signal());
  sigaction(SIGTRAP, &action, &previous);
  constexpr int instructions = 13;
  for (int before = 0; before < instructions; ++before) {
    stepping one;
    one.before = before;
    experiment = &one;
    char got = 0;
    __writeeflags(__readeflags() | trap_flag);
    const long outcome = interruptible_syscall(&one.stop, stop_bit, SYS_recvfrom, ends[0],
                                               reinterpret_cast<long>(&got), 1, 0, 0, 0);
    __writeeflags(__readeflags() & ~trap_flag);
    EXPECT_TRUE(one.sent);
    EXPECT_EQ(outcome, -EINTR) << "before instruction " << before;
  }
  sigaction(SIGTRAP, &previous, nullptr);
  for (const int fd : ends) close(fd);
}

}  // namespace
}  // namespace cede::context
