#include "base/signals.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/assert.hpp"
#include "base/signal_dispatcher.hpp"
#include "base/signal_registry.hpp"

namespace cede::base::signals {
namespace {

constinit std::atomic<fault_handler> current_fault_handler = nullptr;
constinit std::atomic<interrupt_handler> current_interrupt_handler = nullptr;
constinit std::atomic<kick_handler> current_kick_handler = nullptr;

bool was_sent(const siginfo_t* info) noexcept { return info->si_code <= 0; }  // by kill and its kin

// Nobody deals with it. A fault repeats by itself on return; one that was sent must be sent again.
void end_by_default(int number, const siginfo_t* info) noexcept {
  const bool ignored = registry::previous_of(number).sa_handler == SIG_IGN;
  if (ignored && was_sent(info)) return;
  struct sigaction standard{};
  ::sigaction(number, &standard, nullptr);
  if (was_sent(info)) ::raise(number);
}

void on_fault(int number, siginfo_t* info, void* context) noexcept {
  const int saved_errno = errno;
  const fault_handler handler = current_fault_handler.load();
  const bool dealt_with = handler != nullptr && handler(number, info, context);
  if (!dealt_with && !registry::chain(number, info, context)) end_by_default(number, info);
  errno = saved_errno;
}

void on_interrupt(int, siginfo_t*, void* context) noexcept {
  const int saved_errno = errno;
  if (const interrupt_handler handler = current_interrupt_handler.load()) handler(context);
  errno = saved_errno;
}

void on_kick(int, siginfo_t*, void* context) noexcept {
  const int saved_errno = errno;
  if (const kick_handler handler = current_kick_handler.load()) handler(context);
  errno = saved_errno;
}

// The first few real-time numbers are what others take first: glibc two before SIGRTMIN, then
// profilers and language runtimes.
constexpr int first_choice = 3;

int take_free_signal(registry::handler action, int flags, const char* text) noexcept {
  static std::mutex lock;  // so that two uses do not choose the same number
  const std::lock_guard guard(lock);
  for (int number = SIGRTMIN + first_choice; number <= SIGRTMAX; ++number) {
    struct sigaction present{};
    if (::sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
      registry::take(number, action, flags);
      return number;
    }
  }
  contract_failure(text);
}

}  // namespace

fault_handler set_fault_handler(fault_handler handler) noexcept {
  static std::mutex lock;  // so that the number of takes and give-backs is right
  const std::lock_guard guard(lock);
  const fault_handler before = current_fault_handler.exchange(handler);
  for (const int number : {SIGSEGV, SIGBUS}) {
    if (before == nullptr && handler != nullptr) registry::take(number, on_fault, 0);
    if (before != nullptr && handler == nullptr) registry::give_back(number);
  }
  return before;
}

int interrupt_signal() noexcept {
  static const int number = take_free_signal(
      on_interrupt, 0, "signals: no real-time signal is free to interrupt blocked threads");
  return number;
}

void set_interrupt_handler(interrupt_handler handler) noexcept {
  current_interrupt_handler.store(handler);
  static_cast<void>(interrupt_signal());
}

int kick_signal() noexcept {
  static const int number = take_free_signal(
      on_kick, SA_RESTART, "signals: no real-time signal is free to preempt fibers");
  return number;
}

void set_kick_handler(kick_handler handler) noexcept {
  current_kick_handler.store(handler);
  static_cast<void>(kick_signal());
}

bool kick(pid_t thread) noexcept {
  const int saved_errno = errno;
  const bool sent = ::syscall(SYS_tgkill, ::getpid(), thread, kick_signal()) == 0;
  errno = saved_errno;
  return sent;
}

sigpipe_exemption ignore_sigpipe() {
  struct sigaction present{};
  ::sigaction(SIGPIPE, nullptr, &present);
  const bool ours = present.sa_sigaction == note_signal;  // another exemption lives
  const bool taken = ours || present.sa_handler == SIG_DFL;
  if (taken) registry::take(SIGPIPE, note_signal, SA_RESTART);
  return sigpipe_exemption(taken);
}

sigpipe_exemption::sigpipe_exemption(sigpipe_exemption&& other) noexcept
    : taken_(std::exchange(other.taken_, false)) {}

sigpipe_exemption::~sigpipe_exemption() {
  if (taken_) registry::give_back(SIGPIPE);
}

}  // namespace cede::base::signals
