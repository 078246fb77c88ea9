// The kernel as a carrier: one OS thread, one runnable. Parking is a futex wait on the runnable's
// own state word; which thread runs next is SCHED_OTHER's or SCHED_FIFO's business.
#pragma once

#include <utility>

#include "sched/carrier.hpp"
#include "sched/runnable.hpp"

namespace cede::sched {

/// Stateless, so one serves all OS threads; it is never destroyed, so a late wake finds it.
carrier& kernel_carrier() noexcept;

/// Makes `self` the runnable of the calling OS thread while it lives.
class thread_binding {
 public:
  explicit thread_binding(runnable& self) noexcept;
  ~thread_binding();
  thread_binding(const thread_binding&) = delete;
  thread_binding& operator=(const thread_binding&) = delete;

 private:
  runnable* previous_;
};

/// What `current()` returns on this thread. Null: not known yet. A worker sets it at each switch,
/// which is why it is open here: a call would cost more than the store.
extern constinit thread_local runnable* current_runnable;

inline runnable* exchange_current(runnable* next) noexcept {
  return std::exchange(current_runnable, next);
}

}  // namespace cede::sched
