// The kernel as a carrier: one OS thread, one runnable. Parking is a futex wait on the runnable's
// own state word; which thread runs next is SCHED_OTHER's or SCHED_FIFO's business.
#pragma once

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

/// What `current()` returns on this thread; a worker sets it at each switch. Null: not known yet.
runnable* exchange_current(runnable* next) noexcept;

}  // namespace cede::sched
