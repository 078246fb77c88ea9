// How a worker changes the kernel's thread that runs it.
//
// A worker's control flow is its loop: a stack, that of its own thread, and the TLS block of that
// thread, which cooperative fibers share. While a preemptive fiber runs neither is in use: the
// fiber has its own. So if that fiber blocks its thread, another one can go on as the worker, on
// that stack and with that TLS block, and nothing that lives there notices but by the kernel's
// number of the thread. The preemptive fiber and the thread that it blocks stay as they are, a
// stray and its host (stray.hpp).
//
// Actors: the monitor, which takes the worker from a fiber; spare threads, which host the worker;
// its own thread, which takes it back. `role_` says whether somebody runs it:
//   hosted    by `host_`, which alone touches what is the worker's
//   awaited   likewise, and the worker's own thread waits to have it back
//   vacant    by nobody: whoever makes it hosted has it
// Rules
//   1. The own thread waits on the stack of its stray, so the loop's stack is free for others.
//   2. A host that makes way leaves the loop's stack first and says `vacant` then.
//   3. run() returns on the worker's own thread only: its frame has that thread's stack, signal
//      mask and alternate stack to put back.
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/futex.hpp"
#include "base/thread_fence.hpp"
#include "context/rseq_area.hpp"
#include "sched/fiber.hpp"
#include "sched/preemptive/spare_threads.hpp"
#include "sched/worker.hpp"

namespace cede::sched {

// On the worker's own thread, before the first preemptive fiber runs there: what the kernel keeps
// for this thread in its TLS block, others would find there when they go on with it.
void worker::become_movable() noexcept {
  if (!gave_up_rseq_) gave_up_rseq_ = context::give_up_rseq_area();
}

// stray.hpp rules 1 and 2. The count of switches and `preemptive_at` are looked at again at the
// end: if they are as before, the fiber has run here all the time, so it was its word that was
// read.
bool worker::set_adrift() noexcept {
  const std::uint64_t at = switches();
  if (probe_.preemptive_at.load(std::memory_order_seq_cst) != at) return false;
  fiber& f = *probe_.occupant.load(std::memory_order_relaxed);
  if (!f.carrier.change(this, &claim_)) return false;
  const bool can_go =
      base::fence_all_threads() && f.outside_of_regions() && switches() == at && runs_preemptive();
  spare* const host = host_.load(std::memory_order_relaxed);
  stray& record = host != nullptr ? host->straying() : own_stray_;
  if (can_go) record.begin(f, *this, probe_.thread.load(std::memory_order_relaxed));
  if (can_go && f.carrier.change(&claim_, &record)) {
    vacate();
    return true;
  }
  if (can_go) record.end();
  f.carrier.change(&claim_, this);
  return false;
}

void worker::vacate() noexcept {
  if (role_.exchange(vacant_role, std::memory_order_seq_cst) == awaited_role)
    base::futex_wake(role_, 1);
}

void worker::host_on(spare& thread) noexcept {
  std::uint32_t expected = vacant_role;
  if (!role_.compare_exchange_strong(expected, hosted_role, std::memory_order_seq_cst)) return;
  host_.store(&thread, std::memory_order_relaxed);
  probe_.thread.store(thread.number(), std::memory_order_seq_cst);
  running_ = loop_;
  count_switch();
  context::move_to(thread.own_flow(), *loop_, own_os_thread_);
}

// On the loop's stack; returns on the worker's own thread, or on another spare one.
void worker::make_way() noexcept {
  spare& thread = *host_.load(std::memory_order_relaxed);
  thread.expect_vacated(*this);
  context::move_to(*loop_, thread.own_flow(), thread.as_os_thread());
  reap();  // a fiber has left to the loop
}

void worker::take_back(fiber& f) noexcept {
  std::uint32_t seen = vacant_role;
  while (!role_.compare_exchange_strong(seen, hosted_role, std::memory_order_seq_cst)) {
    if (seen == awaited_role ||
        role_.compare_exchange_strong(seen, awaited_role, std::memory_order_seq_cst)) {
      rouse();
      base::futex_wait(role_, awaited_role);
    }
    seen = vacant_role;
  }
  host_.store(nullptr, std::memory_order_relaxed);
  probe_.thread.store(own_thread_, std::memory_order_seq_cst);
  own_stray_.end();
  f.carrier = this;
  running_ = &f.context_;
  count_switch();
  begin_slice(f, clock::duration(0));
}

}  // namespace cede::sched
