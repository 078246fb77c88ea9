// runnable = { control, state }: the one type for everything that can be run.
//
// `control` is how it gets the CPU, and what follows it is the state that it finds again. A fiber's
// control switches to its stack; an OS thread's is the kernel's business. Run queues, parking,
// timers, reactors and synchronisation see only this type and never ask which kind it is: what
// they need to know are the capability bits and the carrier that runs it.
//
// Actors: the runnable itself (its own code, "self"), its carrier, and anyone who holds a reference
// in order to wake or cancel it.
//
// Who may touch what:
//   control, capabilities, id, name, body, registers_at
//                                       set before the first run, read by anyone afterwards
//   carrier                             who has it: its carrier or the queue that it is in; a thief
//                                       while it is ready, the monitor while it runs
//                                       (preemptive/stray.hpp)
//   standing, slice                     the policy that holds it, and its worker
//   queue_next                          whoever holds it ready: one run queue or inbox at a time
//   list_hook<wait_queue_tag>           the wait queue that it stands in, under that queue's lock
//   timer                               its worker's thread only
//   listeners                           under listeners_lock; a scope of self adds and removes
//   ambient_deadline                    self
//   reason                              written by self, read by reports (relaxed: for people)
//   state                               anyone, by read-modify-write, see parking.hpp
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cstdint>
#include <string_view>

#include "base/intrusive_list.hpp"
#include "base/spinlock.hpp"
#include "sched/timing_wheel.hpp"
#include "sched/wait_reason.hpp"

namespace cede::sched {

class carrier;
class scheduler;

/// What a scheduler may do with a runnable. Nothing else tells kinds apart.
enum class capability : std::uint8_t {
  none = 0,
  may_migrate = 1,  ///< may resume on another worker after it has started: a preemptive fiber
  may_preempt = 2,  ///< may be interrupted between two of its instructions
  may_freeze = 4,   ///< its stack may be put away while it waits
};

constexpr capability operator|(capability a, capability b) noexcept {
  return static_cast<capability>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(capability set, capability one) noexcept {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

/// Bits of `runnable::state`. parking.hpp has the protocol.
namespace state_bit {
inline constexpr std::uint32_t permit = 1;       // an unpark that no park has consumed yet
inline constexpr std::uint32_t parked = 2;       // has given up the CPU until somebody clears this
inline constexpr std::uint32_t cancellable = 4;  // together with parked: a cancel ends the wait
inline constexpr std::uint32_t cancelled = 8;    // sticky
inline constexpr std::uint32_t in_syscall = 16;  // an OS thread inside an interruptible call
inline constexpr std::uint32_t signalling = 32;  // a canceller is sending it a signal
inline constexpr std::uint32_t tree_cancelled = 64;  // sticky: and so is all that it spawns
inline constexpr std::uint32_t timed = 128;  // may migrate, and has had its timer armed: welcome()
}  // namespace state_bit

struct wait_queue_tag {};
struct cancel_listener_tag {};

/// Told when a runnable is cancelled with all that it spawned: how a cancel goes down the tree.
class cancel_listener : public base::list_hook<cancel_listener_tag> {
 public:
  /// Runs on the canceller's thread, under the runnable's listeners_lock. Must not wait.
  virtual void on_cancel() noexcept = 0;

 protected:
  ~cancel_listener() = default;
};

struct runnable;

/// Which carrier a runnable has. Relaxed: who may change it is settled elsewhere, and what goes
/// with it is ordered by the queues and by parking.hpp.
class carrier_slot {
 public:
  carrier_slot(sched::carrier* c) noexcept : at_(c) {}
  carrier_slot& operator=(sched::carrier* c) noexcept {
    at_.store(c, std::memory_order_relaxed);
    return *this;
  }
  sched::carrier* get() const noexcept { return at_.load(std::memory_order_relaxed); }
  sched::carrier* operator->() const noexcept { return get(); }
  /// False if it was another one than `from`. For changes that others race for.
  bool change(sched::carrier* from, sched::carrier* to) noexcept {
    return at_.compare_exchange_strong(from, to, std::memory_order_seq_cst);
  }

 private:
  std::atomic<sched::carrier*> at_;
};

// What is read and written each time that something runs or waits: one cache line with what
// follows.
struct run_state {
  using control_function = void (*)(runnable&) noexcept;

  control_function control;
  carrier_slot carrier;
  runnable* queue_next = nullptr;
  std::atomic<std::uint32_t> state{0};
  const capability capabilities;
  std::atomic<wait_reason> reason{wait_reason::none};
  std::uint8_t standing = 0;      // with the fair policy, see preemptive/fair_policy.hpp
  std::uint8_t priority : 2 = 1;  // 0 is the most urgent
  // Where its saved registers lie, the stack pointer first, in words from here; 0: nowhere.
  std::uint8_t registers_at : 6 = 0;
  clock::time_point ambient_deadline = clock::time_point::max();
  const void* body = nullptr;     // what it runs, or null: a hint
  const void* own_tls = nullptr;  // what it touches first of its own TLS block, or null: a hint
};

struct runnable : run_state, base::list_hook<wait_queue_tag>, timer {
  runnable(control_function c, sched::carrier& by, capability can) noexcept
      : run_state{.control = c, .carrier = &by, .capabilities = can} {}
  runnable(const runnable&) = delete;
  runnable& operator=(const runnable&) = delete;

  std::uint32_t slice = 0;     // microseconds until others may take the CPU from it; 0: the default
  scheduler* owner = nullptr;  // the scheduler that spawned it; null for a foreign thread
  std::uint64_t id = 0;
  // null: unnamed; owned by whoever made the runnable. Atomic, as reports look at all that live.
  std::atomic<const char*> name{nullptr};
  std::atomic<int> kernel_tid{0};  // of an OS thread, for interrupt; 0 for all others
  base::spinlock listeners_lock;
  base::intrusive_list<cancel_listener, cancel_listener_tag> listeners;

  bool cancel_requested() const noexcept {
    return (state.load(std::memory_order_acquire) & state_bit::cancelled) != 0;
  }
};

/// Where a runnable keeps its registers while it does not run; the first is the stack pointer.
/// Requires: registers_at is not 0.
inline const void* const* registers_of(const runnable& r) noexcept {
  return reinterpret_cast<const void* const*>(&r) + r.registers_at;
}

}  // namespace cede::sched
