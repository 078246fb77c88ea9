// Signal masks for threads that leave signals to others.
#pragma once

#include <signal.h>

#include <initializer_list>

namespace cede::base {

inline sigset_t every_signal() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  return all;
}

/// Faults are the business of the thread that makes them.
inline sigset_t every_signal_but_faults() noexcept {
  sigset_t set = every_signal();
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
    ::sigdelset(&set, fault);
  return set;
}

/// Blocks `set`, and nothing else, in the calling thread while it lives, and so in threads that are
/// started meanwhile, for good.
class signal_mask {
 public:
  explicit signal_mask(const sigset_t& set) noexcept {
    ::pthread_sigmask(SIG_SETMASK, &set, &before_);
  }
  ~signal_mask() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signal_mask(const signal_mask&) = delete;
  signal_mask& operator=(const signal_mask&) = delete;

 private:
  sigset_t before_;
};

}  // namespace cede::base
