// A worker: one OS thread that runs fibers, one at a time.
//
// Actors: its own thread ("the worker"), or a spare one that stands in for it as the same thread
// (worker_hosting.cpp); other workers and foreign threads ("remote"), which hand it runnables;
// thieves, which are other idle workers.
//
// Where a runnable of this worker can be:
//   running            current()
//   in the policy      ready; the worker's thread only
//   in `inbox_`        made ready by a remote; a lock-free stack that the worker empties
//   in `unstarted_`    spawned and not yet run; under `unstarted_lock_`, open to thieves
//   parked             nowhere here: whoever waits for it or its timer holds it
//
// Rules
//   1. A runnable that has started is touched by its worker's thread alone; remotes only push it to
//      the inbox, after they have cleared its parked bit (parking.hpp rule 1). One that may migrate
//      changes its worker while it is ready, by thieves (preemptive/fair_policy.hpp); while it is
//      parked, its worker is the one on which it parked, and its timer is on that wheel.
//   2. Sleeping is announced before the last look at inbox and unstarted, and a remote first pushes
//      and then looks at the announcement; both are seq_cst, so one sees the other (Dekker).
//   3. Fibers switch directly to each other. Every `budget_` switches, and when nothing is ready,
//      control goes to the loop on the thread's own stack, which fires timers and polls.
//   4. A remote counts itself in `remotes_` until its last touch: the fiber that it wakes may end,
//      and the scheduler with it, while the remote is still making the wake-up call.
//   5. A fiber that ends switches to the loop, which then frees its stack: nothing can free the
//      stack that it stands on. For the same reason the loop puts a preemptive fiber back in the
//      policy that has yielded or was interrupted: a thief could run it at once.
//   6. Code of a preemptive fiber calls this only in a region (context/no_preempt.hpp), and after a
//      switch, perhaps on another worker, nothing of the one before is touched.
#pragma once

#include <ucontext.h>

#include <atomic>
#include <cede/spawn.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/spinlock.hpp"
#include "context/fiber_context.hpp"
#include "context/stack.hpp"
#include "sched/carrier.hpp"
#include "sched/policy.hpp"
#include "sched/poller.hpp"
#include "sched/preemptive/fair_policy.hpp"
#include "sched/preemptive/preemption.hpp"
#include "sched/preemptive/stray.hpp"
#include "sched/timing_wheel.hpp"
#include "sched/worker_probe.hpp"

namespace cede::sched {

class fiber;
class scheduler;

class worker final : public carrier {
 public:
  worker(scheduler& owner, unsigned index, std::unique_ptr<sched::policy> order);
  ~worker();

  /// The worker whose thread this is; null elsewhere, a stray fiber included. In a preemptive
  /// fiber: only in a region is the answer of any worth.
  [[gnu::noinline]] static worker* current() noexcept;

  /// The same for a fiber that is about to wait: a stray rejoins its worker first. Requires: no
  /// spinlock is held.
  static worker* current_regained() noexcept;
  /// Whether the caller is a fiber, or the loop; strays included.
  static bool carries_caller() noexcept;

  /// Runs fibers on the calling thread until `stop()` and nothing is ready.
  void run() noexcept;

  /// Lets `run` return once nothing is ready. Any thread.
  void stop() noexcept;

  // carrier
  void suspend(runnable& self, clock::time_point until) noexcept override;
  void ready(runnable& who) noexcept override;
  void yield(runnable& self) noexcept override;
  void interrupt(runnable&) noexcept override {}  // its fibers make no interruptible system calls
  bool shared() const noexcept override { return true; }

  /// Takes over a new fiber. Any thread.
  void start(fiber& f, placement where) noexcept;

  /// Fibers that live here, and how many of them wait to start: what placement looks at.
  std::uint32_t live() const noexcept { return live_.load(std::memory_order_relaxed); }
  bool has_unstarted() const noexcept {
    return unstarted_count_.load(std::memory_order_seq_cst) != 0;
  }
  bool sleeping() const noexcept { return sleeping_.load(std::memory_order_seq_cst); }
  /// Ends its sleep, if it sleeps. Any thread.
  void rouse() noexcept;
  /// Whether a thread runs it that does not sleep. Any thread.
  bool busy() const noexcept {
    return probe_.thread.load(std::memory_order_seq_cst) != 0 && !sleeping();
  }
  worker_probe& probe() noexcept { return probe_; }
  /// Its preemptive fiber has ended.
  void forget_occupant() noexcept {
    probe_.preemptive_at.store(UINT64_MAX, std::memory_order_release);
  }
  /// Whether what runs is a preemptive fiber. Any thread.
  bool runs_preemptive() const noexcept {
    return probe_.preemptive_at.load(std::memory_order_seq_cst) == switches();
  }
  /// While it runs a preemptive fiber that computes: whether anybody else could run, had it to give
  /// way now. Any thread.
  bool anyone_waits(clock::time_point now) const noexcept;
  /// In the kick's handler, on its thread, in a region: true if the fiber there gives way at once.
  bool kicked(ucontext_t& interrupted) noexcept;
  /// Gives way to others; `f` is what runs. Returns when it goes on, perhaps on another worker.
  void leave(fiber& f, departure how) noexcept;
  /// Whether it has something ready that idle workers may take over. Any thread.
  bool spares() const noexcept;
  /// Its policy for preemptive fibers, if it has one. Any thread.
  fair_policy* known_fair() const noexcept { return fair_.load(std::memory_order_acquire); }
  /// Who runs, or ran last. Any thread.
  std::string name_of_running() const;

  // Who runs it, when its own thread is held up (preemptive/stray.hpp, worker_hosting.cpp).
  /// The preemptive fiber that runs becomes a stray; nobody runs the worker then, or its own
  /// thread, if that has been waiting. False: not now. The monitor only.
  bool set_adrift() noexcept;
  /// From now on nobody runs it: said by who did, from a stack of its own.
  void vacate() noexcept;
  bool vacant() const noexcept { return role_.load(std::memory_order_seq_cst) == vacant_role; }
  /// Runs the worker, if nobody does, until its own thread is back or what runs has become a stray.
  void host_on(spare& thread) noexcept;
  /// On its own thread: `f`, a stray, has it again.
  void take_back(fiber& f) noexcept;
  /// The stray that its own thread may have.
  stray& own_stray() noexcept { return own_stray_; }
  const sigset_t& usual_mask() const noexcept { return usual_mask_; }
  /// The kernel's number of its own thread.
  pid_t own_thread() const noexcept { return own_thread_; }

  scheduler& owner() const noexcept { return scheduler_; }
  unsigned index() const noexcept { return index_; }
  sched::poller& poller() noexcept { return *poller_; }
  void set_poller(std::unique_ptr<sched::poller> p) noexcept { poller_ = std::move(p); }
  context::stack_cache& stacks() noexcept { return stacks_; }
  /// How often a runnable has given way so far. Any thread may read it.
  std::uint64_t switches() const noexcept { return switches_.load(std::memory_order_relaxed); }

 private:
  friend class fiber;

  void round() noexcept;
  void idle() noexcept;
  void sleep_until(clock::time_point until) noexcept;
  bool lent_ones_are_back(clock::time_point until) const noexcept;
  void rouse_monitor() noexcept;
  void advance_virtual_time() noexcept;
  void drain_inbox() noexcept;
  runnable* take_unstarted() noexcept;
  void count_unstarted() noexcept;
  bool steal() noexcept;
  std::uint32_t give(worker& thief) noexcept;
  runnable* next() noexcept;
  [[gnu::noinline]] void suspend_timed(runnable& self, clock::time_point until) noexcept;
  void pass_on() noexcept;
  void dispatch(runnable& r) noexcept { r.control(r); }
  // Out of line, as a switch makes its function save every register: fiber::resume already does.
  [[gnu::noinline]] void leave_to_loop(context::fiber_context& from) noexcept;
  [[noreturn]] void end_of(fiber& f) noexcept;
  void reap() noexcept;
  void accept(runnable& r) noexcept {
    if (has(r.capabilities, capability::may_migrate)) [[unlikely]]
      return welcome(r);
    policy_->awakened(r);
  }
  void welcome(runnable& r) noexcept;
  fair_policy& fair();
  void become_movable() noexcept;
  void begin_slice(fiber& f) noexcept;
  void begin_slice(fiber& f, clock::duration quantum,
                   std::optional<clock::time_point> known_begin = {}) noexcept;
  [[gnu::cold]] void see_off() noexcept;
  bool interrupt_if_due(ucontext_t& interrupted) noexcept;
  [[gnu::cold]] void make_way() noexcept;
  bool wanted_back() const noexcept {
    return role_.load(std::memory_order_seq_cst) == awaited_role;
  }
  bool at_home() const noexcept { return host_.load(std::memory_order_relaxed) == nullptr; }
  bool steal_from(worker& victim) noexcept;
  bool ready_from_own_tls(runnable& who) noexcept;
  void answer(const ucontext_t& interrupted) noexcept;
  std::size_t waiting_in_inbox() const noexcept;
  runnable* current_slot_load() const noexcept;
  void set_current(runnable& r) noexcept;
  // No read-modify-write: one thread writes.
  void count_switch() noexcept {
    switches_.store(switches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  scheduler& scheduler_;
  const unsigned index_;
  std::unique_ptr<sched::policy> policy_;
  std::unique_ptr<sched::poller> poller_;
  timing_wheel wheel_;
  context::stack_cache stacks_;
  // What each switch touches, together.
  alignas(64) context::fiber_context* running_ = nullptr;  // whose registers the CPU holds
  context::fiber_context* loop_ = nullptr;  // on its own thread's stack, inside run()
  runnable** current_slot_ = nullptr;       // current_runnable of its own thread
  std::atomic<std::uint64_t> switches_{0};
  std::size_t budget_ = 0;    // rule 3
  fiber* ended_ = nullptr;    // rule 5
  fiber* parting_ = nullptr;  // rule 5
  unsigned picks_ = 0;        // since a new fiber has started
  departure parting_how_{};
  clock::time_point patience_ = clock::time_point::min();  // steal from a busy worker after this
  std::atomic<fair_policy*> fair_{nullptr};                // policy_, once it is that one
  bool gave_up_rseq_ = false;  // its own thread, see preemptive/worker_hosting.cpp
  sigset_t usual_mask_{};      // of its thread, in run()

  // Who runs it. `role_` is changed by compare-and-swap or exchange; the rest by who has the role.
  static constexpr std::uint32_t hosted_role = 0;
  static constexpr std::uint32_t awaited_role = 1;  // hosted by a spare, and its own thread waits
  static constexpr std::uint32_t vacant_role = 2;
  std::atomic<std::uint32_t> role_{hosted_role};
  std::atomic<spare*> host_{nullptr};  // null: its own thread
  context::fiber_context::os_thread_state own_os_thread_;
  pid_t own_thread_ = 0;
  claim claim_{*this};
  stray own_stray_;

  // What remotes write, away from what the worker writes all the time.
  alignas(64) std::atomic<runnable*> inbox_{nullptr};
  std::atomic<std::uint32_t> remotes_{0};  // rule 4
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> live_{0};
  std::atomic<std::uint32_t> unstarted_count_{0};
  base::spinlock unstarted_lock_;
  run_queue unstarted_;
  worker_probe probe_;
};

// Atomic, as the monitor reads it. Release and acquire pair: with the fiber its name is seen.
inline runnable* worker::current_slot_load() const noexcept {
  return std::atomic_ref(*current_slot_).load(std::memory_order_acquire);
}
inline void worker::set_current(runnable& r) noexcept {
  std::atomic_ref(*current_slot_).store(&r, std::memory_order_release);
}

}  // namespace cede::sched
