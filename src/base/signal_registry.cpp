#include "base/signal_registry.hpp"

#include <array>
#include <atomic>
#include <climits>
#include <cstring>
#include <deque>
#include <mutex>

#include "base/assert.hpp"

namespace cede::base::signals::registry {
namespace {

using disposition = struct sigaction;

constexpr disposition default_disposition{};  // SIG_DFL is a null pointer

struct entry {
  std::atomic<const disposition*> previous = &default_disposition;
  handler action = nullptr;  // under the lock, as are the users
  int users = 0;
};

struct state {
  std::mutex lock;
  std::array<entry, NSIG> entries;
  std::deque<disposition> records;  // a deque, since growing it moves nothing
};

// Never destroyed: signals arrive until the very end.
state& instance() {
  static state& created = *new state;
  return created;
}

// What handlers read; a pointer, so that they do not run a function's static initialisation.
std::atomic<state*> published = nullptr;

bool same(const disposition& a, const disposition& b) noexcept {
  return a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags &&
         std::memcmp(&a.sa_mask, &b.sa_mask, sizeof(a.sa_mask)) == 0;
}

const disposition* record(state& all, const disposition& action) {
  for (const disposition& known : all.records) {
    if (same(known, action)) return &known;
  }
  return &all.records.emplace_back(action);
}

disposition current_of(int number) noexcept {
  disposition current{};
  ::sigaction(number, nullptr, &current);
  // A sigset_t has room for 1,024 signals; behind those of the kernel glibc leaves what was on its
  // stack, so that a disposition would differ from itself. (sigemptyset leaves it too.)
  sigset_t known{};
  std::memcpy(&known, &current.sa_mask, (NSIG - 1) / CHAR_BIT);
  current.sa_mask = known;
  return current;
}

}  // namespace

void take(int number, handler action, int flags) {
  CEDE_REQUIRE(number > 0 && number < NSIG, "signals: no such signal number");
  state& all = instance();
  const std::lock_guard guard(all.lock);
  entry& own = all.entries[static_cast<std::size_t>(number)];
  CEDE_REQUIRE(own.users == 0 || own.action == action, "signals: the number has another use");
  if (own.users++ > 0) return;
  const disposition before = current_of(number);
  // Still ours where somebody had chained to us when we gave it back: then the old record holds.
  if (before.sa_sigaction != action) own.previous = record(all, before);
  own.action = action;
  published = &all;
  disposition ours{};
  ours.sa_sigaction = action;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  ours.sa_mask = asynchronous_signals();
  CEDE_REQUIRE(::sigaction(number, &ours, nullptr) == 0, "signals: the signal cannot be handled");
}

void give_back(int number) {
  state& all = instance();
  const std::lock_guard guard(all.lock);
  entry& own = all.entries[static_cast<std::size_t>(number)];
  CEDE_REQUIRE(own.users > 0, "signals: gave back what was not taken");
  if (--own.users > 0) return;
  if (current_of(number).sa_sigaction == own.action) {
    ::sigaction(number, own.previous.load(), nullptr);
  }
}

const disposition& previous_of(int number) noexcept {
  state* const all = published.load();
  if (all == nullptr) return default_disposition;
  return *all->entries[static_cast<std::size_t>(number)].previous.load();
}

bool is_real_handler(const disposition& action) noexcept {
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

bool chain(int number, siginfo_t* info, void* context) noexcept {
  const disposition& previous = previous_of(number);
  if (!is_real_handler(previous)) return false;
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &previous.sa_mask, &before);
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(number, info, context);
  } else {
    previous.sa_handler(number);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return true;
}

bool is_synchronous(int number) noexcept {
  return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
         number == SIGTRAP;
}

sigset_t asynchronous_signals() noexcept {
  sigset_t set;
  sigfillset(&set);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&set, number);
  return set;
}

}  // namespace cede::base::signals::registry
