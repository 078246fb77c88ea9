#include "sched/kernel_carrier.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <new>

#include "base/assert.hpp"
#include "base/futex.hpp"
#include "base/signals.hpp"
#include "base/slab.hpp"
#include "sched/parking.hpp"

namespace cede::sched {

constinit thread_local runnable* current_runnable = nullptr;

namespace {

class kernel final : public carrier {
 public:
  void suspend(runnable& self, clock::time_point until) noexcept override {
    std::uint32_t seen = self.state.load(std::memory_order_relaxed);
    while ((seen & state_bit::parked) != 0) {
      if (base::futex_wait(self.state, seen, until) == base::futex_result::timed_out &&
          expire(self))
        return;
      seen = self.state.load(std::memory_order_relaxed);
    }
  }

  // `who` may have ended already: only its address is used, as the kernel's key.
  void ready(runnable& who) noexcept override { base::futex_wake(who.state, 1); }

  void yield(runnable&) noexcept override { ::syscall(SYS_sched_yield); }

  void interrupt(runnable& who) noexcept override {
    const int tid = who.kernel_tid.load(std::memory_order_relaxed);
    ::syscall(SYS_tgkill, ::getpid(), tid, base::signals::interrupt_signal());
  }

  bool shared() const noexcept override { return false; }
};

// Runnables of threads that cede did not make. They stay readable for good (a slab never unmaps),
// and each goes back to the slab when its thread ends.
struct foreign_runnable : runnable {
  foreign_runnable() noexcept : runnable(nullptr, kernel_carrier(), capability::may_preempt) {
    kernel_tid.store(static_cast<int>(::syscall(SYS_gettid)), std::memory_order_relaxed);
  }
};

base::slab<foreign_runnable>& foreign_runnables() {
  static auto* const all = new base::slab<foreign_runnable>;  // never destroyed: see above
  return *all;
}

struct foreign_owner {
  foreign_runnable* self = nullptr;
  ~foreign_owner() {
    if (self == nullptr) return;
    if (current_runnable == self) current_runnable = nullptr;
    // A destructor that runs later and waits makes a new one.
    foreign_runnables().destroy(std::exchange(self, nullptr));
  }
};

// Out of line, so that current() saves no registers for the sake of its rarest case.
[[gnu::noinline, gnu::cold]] runnable& adopt_this_thread() noexcept {
  thread_local foreign_owner owner;
  if (owner.self == nullptr) owner.self = foreign_runnables().create();
  CEDE_REQUIRE(owner.self != nullptr, "out of memory for the control block of this thread");
  current_runnable = owner.self;
  return *owner.self;
}

}  // namespace

carrier& kernel_carrier() noexcept {
  alignas(kernel) static std::byte storage[sizeof(kernel)];
  static kernel* const one = new (storage) kernel;
  return *one;
}

runnable& current() noexcept {
  runnable* const self = current_runnable;
  return self != nullptr ? *self : adopt_this_thread();
}

thread_binding::thread_binding(runnable& self) noexcept : previous_(exchange_current(&self)) {}
thread_binding::~thread_binding() { exchange_current(previous_); }

}  // namespace cede::sched
