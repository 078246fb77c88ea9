#include "sched/worker.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "base/alternate_stack.hpp"
#include "base/signals.hpp"
#include "context/no_preempt.hpp"
#include "context/rseq_area.hpp"
#include "context/set_id_signal.hpp"
#include "sched/fiber.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/monitor.hpp"
#include "sched/parking.hpp"
#include "sched/scheduler.hpp"

namespace cede::sched {
namespace {

thread_local worker* this_worker = nullptr;

// Switches before control goes to the loop. Long enough that a poll costs little for each, short
// enough that an event waits for a bounded number of runs, however many of them yield.
constexpr std::size_t least_budget = 64;

// How long a fiber that waits to start on a busy worker waits before an idle one takes it, although
// that one has more fibers already: the busy worker's fiber may be about to yield.
constexpr auto busy_worker_grace = std::chrono::milliseconds(1);

constexpr std::size_t stolen_at_once = 32;

// So often at the least a new fiber starts, however many others are ready.
constexpr unsigned picks_before_a_start = 64;

// With thousands of connections what a fiber touches first is cold when its turn comes, and
// fetching it while others run hides most of that. Two turns ahead its control block and saved
// registers; one turn ahead the frames that it returns through, whose place the registers tell, and
// what its body has captured, such as a stream. (Part of the caller by force: as functions of their
// own g++ takes them for ones without effect, and drops the calls.)
[[gnu::always_inline]] inline void warm_up_control(const runnable& r) noexcept {
  __builtin_prefetch(&r, 1);
  __builtin_prefetch(registers_of(r), 1);
}

[[gnu::always_inline]] inline void warm_up_frames(const runnable& r) noexcept {
  constexpr std::ptrdiff_t line = 64;
  constexpr std::ptrdiff_t frames = 8 * line;
  if (r.registers_at == 0) return;
  const auto* const top = static_cast<const char*>(*registers_of(r));
  for (std::ptrdiff_t at = 0; at < frames; at += line) __builtin_prefetch(top + at, 1);
  __builtin_prefetch(r.body, 1);
  if (r.own_tls == nullptr) return;
  __builtin_prefetch(r.own_tls, 1);
  __builtin_prefetch(static_cast<const char*>(r.own_tls) + line, 1);
}

[[gnu::always_inline]] inline void warm_up(const runnable* next) noexcept {
  if (next == nullptr) return;
  warm_up_frames(*next);
  if (next->queue_next != nullptr) warm_up_control(*next->queue_next);
}

// While it lives this thread can be kicked.
class kick_admission {
 public:
  explicit kick_admission(worker_probe& probe) noexcept : probe_(probe) {
    sigset_t kick;
    ::sigemptyset(&kick);
    ::sigaddset(&kick, base::signals::kick_signal());
    ::pthread_sigmask(SIG_UNBLOCK, &kick, &before_);
    probe_.thread.store(static_cast<pid_t>(::syscall(SYS_gettid)), std::memory_order_seq_cst);
  }
  ~kick_admission() {
    probe_.thread.store(0, std::memory_order_seq_cst);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  kick_admission(const kick_admission&) = delete;
  kick_admission& operator=(const kick_admission&) = delete;

 private:
  worker_probe& probe_;
  sigset_t before_;
};

void on_timer(timer& t) noexcept {
  runnable& who = static_cast<runnable&>(t);
  if (expire(who)) who.carrier->ready(who);
}

}  // namespace

worker::worker(scheduler& owner, unsigned index, std::unique_ptr<sched::policy> order)
    : carrier(this),
      scheduler_(owner),
      index_(index),
      policy_(std::move(order)),
      wheel_(clock::now()) {}

worker::~worker() {
  // Rule 4. Acquire pairs with the release in ready(): the remote's touches are over.
  while (remotes_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

// A preemptive fiber has a thread_local of its own there, which nobody sets.
worker* worker::current() noexcept {
  if (this_worker != nullptr) return this_worker;
  runnable* const self = current_runnable;
  if (self == nullptr || !has(self->capabilities, capability::may_migrate)) return nullptr;
  return settled_worker(*self);
}

worker* worker::current_regained() noexcept {
  if (this_worker != nullptr) return this_worker;
  runnable* const self = current_runnable;
  if (self == nullptr || !has(self->capabilities, capability::may_migrate)) return nullptr;
  return &regained_worker(static_cast<fiber&>(*self));
}

bool worker::carries_caller() noexcept {
  if (this_worker != nullptr) return true;
  const runnable* const self = current_runnable;
  return self != nullptr && has(self->capabilities, capability::may_migrate);
}

void worker::run() noexcept {
  // A stack overflow leaves no room for the handler that reports it.
  const base::signals::alternate_stack for_faults;
  worker* const outer = std::exchange(this_worker, this);
  runnable* const outer_runnable = exchange_current(nullptr);
  const context::known_thread known;
  context::fiber_context loop;
  running_ = loop_ = &loop;
  current_slot_ = &current_runnable;
  const kick_admission admitted(probe_);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &usual_mask_);
  own_os_thread_ = context::fiber_context::of_this_thread();
  own_thread_ = probe_.thread.load(std::memory_order_relaxed);
  if (known_fair() != nullptr) become_movable();
  rouse_monitor();
  for (;;) {
    if (wanted_back()) [[unlikely]]
      make_way();
    round();
    if (runnable* const r = next()) {
      if (spares()) scheduler_.rouse_a_thief(*this);
      warm_up(policy_->upcoming());
      dispatch(*r);
      reap();
      continue;
    }
    if (stopping_.load(std::memory_order_acquire) && at_home()) break;
    idle();
  }
  running_ = loop_ = nullptr;
  if (std::exchange(gave_up_rseq_, false)) context::take_up_rseq_area();
  exchange_current(outer_runnable);
  stopping_.store(false, std::memory_order_relaxed);
  this_worker = outer;
}

void worker::stop() noexcept {
  stopping_.store(true, std::memory_order_seq_cst);
  rouse();
}

// What the loop does before it hands out the CPU again: rule 3. A poll that does not wait is worth
// its system call only if others are ready; an idle worker polls in idle().
void worker::round() noexcept {
  drain_inbox();
  if (wheel_.armed() != 0) wheel_.advance(clock::now());
  if (policy_->has_ready() && poller_->watching()) poller_->poll(clock::time_point::min());
  if (fair_policy* const fair = known_fair()) fair->tick(clock::now());
  budget_ = std::max(least_budget, policy_->ready_count());
}

runnable* worker::next() noexcept {
  if (unstarted_count_.load(std::memory_order_relaxed) != 0 &&
      (!policy_->urgent() || ++picks_ >= picks_before_a_start)) {
    picks_ = 0;
    if (runnable* const fresh = take_unstarted()) return fresh;
  }
  return policy_->pick_next();
}

[[gnu::always_inline]] inline void worker::pass_on() noexcept {
  runnable* const r = budget_ != 0 ? next() : nullptr;
  if (r == nullptr) return leave_to_loop(*running_);
  --budget_;
  warm_up(policy_->upcoming());
  dispatch(*r);
}

// Keeps nothing for later, so that its frame is gone when the fiber waits.
void worker::suspend(runnable& self, clock::time_point until) noexcept {
  if (until != clock::time_point::max()) return suspend_timed(self, until);
  pass_on();
}

void worker::suspend_timed(runnable& self, clock::time_point until) noexcept {
  const bool migrates = has(self.capabilities, capability::may_migrate);
  self.when = until;
  self.fire = &on_timer;
  wheel_.arm(self);
  // Relaxed: only this worker asks, in welcome().
  if (migrates) self.state.fetch_or(state_bit::timed, std::memory_order_relaxed);
  pass_on();
  // One that may migrate is perhaps on another worker now, and its timer is disarmed: welcome().
  if (!migrates) wheel_.disarm(self);
}

void worker::yield(runnable& self) noexcept {
  if (has(self.capabilities, capability::may_migrate)) [[unlikely]]
    return leave(static_cast<fiber&>(self), departure::yielded);
  policy_->awakened(self);
  if (budget_ == 0) return leave_to_loop(*running_);
  --budget_;
  runnable* const r = next();
  if (r == &self) return count_switch();  // it gave way, though to nobody
  dispatch(*r);
}

void worker::ready(runnable& who) noexcept {
  if (this_worker == this) return accept(who);
  const context::no_preempt_region region;
  if (this_worker == nullptr && ready_from_own_tls(who)) return;
  remotes_.fetch_add(1, std::memory_order_relaxed);  // ordered by the push
  who.queue_next = inbox_.load(std::memory_order_relaxed);
  while (!inbox_.compare_exchange_weak(who.queue_next, &who, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
  }
  rouse();
  remotes_.fetch_sub(1, std::memory_order_release);
}

void worker::rouse() noexcept {
  // The first load keeps a worker that is awake out of a read-modify-write on a shared line.
  if (sleeping_.load(std::memory_order_seq_cst) &&
      sleeping_.exchange(false, std::memory_order_seq_cst))
    poller_->wake();
}

void worker::start(fiber& f, placement where) noexcept {
  live_.fetch_add(1, std::memory_order_relaxed);
  if (where == placement::same_worker || scheduler_.workers().size() == 1) return ready(f);
  {
    const std::lock_guard hold(unstarted_lock_);
    unstarted_.push_back(f);
    count_unstarted();
  }
  if (sleeping())
    rouse();
  else
    scheduler_.rouse_a_thief(*this);
}

void worker::drain_inbox() noexcept {
  // Acquire pairs with the push: what the remote wrote before it is visible to who now runs.
  runnable* newest = inbox_.load(std::memory_order_relaxed);
  if (newest == nullptr) return;
  newest = inbox_.exchange(nullptr, std::memory_order_acquire);
  runnable* oldest = nullptr;
  while (newest != nullptr) {  // the stack has the newest on top; wake in order of arrival
    runnable* const below = std::exchange(newest->queue_next, oldest);
    oldest = std::exchange(newest, below);
  }
  while (oldest != nullptr) {
    runnable& r = *oldest;
    oldest = r.queue_next;
    accept(r);
  }
}

// To run at once: whatever is not about to run stays open to thieves.
runnable* worker::take_unstarted() noexcept {
  const std::lock_guard hold(unstarted_lock_);
  runnable* const r = unstarted_.pop_front();
  count_unstarted();
  return r;
}

void worker::count_unstarted() noexcept {
  unstarted_count_.store(static_cast<std::uint32_t>(unstarted_.size()), std::memory_order_seq_cst);
}

bool worker::steal() noexcept {
  const auto& all = scheduler_.workers();
  const std::size_t count = all.size();
  bool busy_ones = false;
  for (std::size_t i = 1; i < count; ++i) {
    worker& victim = *all[(index_ + i) % count];
    if (!victim.has_unstarted()) continue;
    const bool out_of_patience = patience_ != clock::time_point::min() && clock::now() >= patience_;
    if (live() + 1 > victim.live() && !out_of_patience) {
      busy_ones = true;
      continue;
    }
    if (victim.give(*this) != 0) {
      patience_ = clock::time_point::min();
      return true;
    }
  }
  for (std::size_t i = 1; i < count; ++i)
    if (steal_from(*all[(index_ + i) % count])) return true;
  if (!busy_ones)
    patience_ = clock::time_point::min();
  else if (patience_ == clock::time_point::min())
    patience_ = clock::now() + busy_worker_grace;
  return false;
}

// Half of what has not started; the fiber's carrier changes while nobody else can reach it.
std::uint32_t worker::give(worker& thief) noexcept {
  run_queue loot;
  {
    const std::lock_guard hold(unstarted_lock_);
    const std::size_t half = (unstarted_.size() + 1) / 2;
    for (std::size_t n = std::min(half, stolen_at_once); n > 0; --n) {
      runnable* const r = unstarted_.pop_front();
      if (r == nullptr) break;
      r->carrier = &thief;
      loot.push_back(*r);
    }
    count_unstarted();
  }
  const auto taken = static_cast<std::uint32_t>(loot.size());
  live_.fetch_sub(taken, std::memory_order_relaxed);
  thief.live_.fetch_add(taken, std::memory_order_relaxed);
  {
    const std::lock_guard hold(thief.unstarted_lock_);
    thief.unstarted_.splice_back(loot);
    thief.count_unstarted();
  }
  // Who looked meanwhile saw them nowhere and may have gone to sleep.
  if (taken > 1) scheduler_.rouse_a_thief(thief);
  return taken;
}

void worker::idle() noexcept {
  if (scheduler_.workers().size() > 1 && steal()) return;
  if (scheduler_.virtual_time() != nullptr) return advance_virtual_time();
  clock::time_point until = wheel_.next();
  if (patience_ != clock::time_point::min()) until = std::min(until, patience_);
  if (const fair_policy* const fair = known_fair()) until = std::min(until, fair->waits_until());
  sleep_until(until);
}

void worker::sleep_until(clock::time_point until) noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
  const bool called =
      inbox_.load(std::memory_order_seq_cst) != nullptr || has_unstarted() ||
      stopping_.load(std::memory_order_seq_cst) || wanted_back() || lent_ones_are_back(until) ||
      (patience_ == clock::time_point::min() && scheduler_.anything_to_steal(*this));
  if (!called) poller_->poll(until);
  sleeping_.store(false, std::memory_order_seq_cst);
  rouse_monitor();
}

// A spare thread puts what it has run for us back in the background without going by the inbox.
bool worker::lent_ones_are_back(clock::time_point until) const noexcept {
  const fair_policy* const fair = known_fair();
  return fair != nullptr && (fair->urgent() || fair->waits_until() < until);
}

// From here on there is something to watch.
void worker::rouse_monitor() noexcept {
  if (monitor* const watching = scheduler_.watching()) watching->rouse();
}

void worker::advance_virtual_time() noexcept {
  const clock::time_point next = wheel_.next();
  if (next != clock::time_point::max()) {
    scheduler_.virtual_time()->advance_to(next);
  } else if (poller_->watching() || scheduler_.outside.load(std::memory_order_seq_cst) != 0) {
    sleep_until(clock::time_point::max());
  } else if (inbox_.load(std::memory_order_seq_cst) == nullptr && !has_unstarted() &&
             !stopping_.load(std::memory_order_seq_cst)) {
    scheduler_.report_deadlock();
  }
}

void worker::leave_to_loop(context::fiber_context& from) noexcept {
  running_ = loop_;
  context::switch_to(from, *loop_);
}

void worker::end_of(fiber& f) noexcept {
  ended_ = &f;
  live_.fetch_sub(1, std::memory_order_relaxed);
  context::fiber_context& from = *std::exchange(running_, loop_);
  context::switch_final(from, *loop_);
}

void worker::reap() noexcept {
  if (fiber* const f = std::exchange(ended_, nullptr)) f->retire(*this);
  if (parting_ != nullptr) see_off();
}

}  // namespace cede::sched
