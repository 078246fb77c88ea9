// The workers of one runtime: where a new fiber goes, who steals from whom, and what is left when
// nothing can happen any more.
#pragma once

#include <atomic>
#include <cede/spawn.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/virtual_clock.hpp"
#include "sched/blocking_pool.hpp"
#include "sched/monitor.hpp"
#include "sched/preemptive/spare_threads.hpp"
#include "sched/spawned.hpp"
#include "sched/watchdog.hpp"
#include "sched/worker.hpp"

namespace cede::sched {

struct scheduler_options {
  unsigned workers = 1;
  std::function<std::unique_ptr<policy>(unsigned worker)> make_policy;
  /// Called on the thread that makes the scheduler.
  std::function<result<std::unique_ptr<poller>>(worker&)> make_poller;
  /// Time advances when nothing is ready, to the next timer. Requires: one worker.
  base::virtual_clock* virtual_time = nullptr;
  watchdog_options watchdog{};
  clock::duration slice = std::chrono::milliseconds(10);  // of preemptive fibers
  unsigned spare_threads = 64;                            // see preemptive/spare_threads.hpp
};

class scheduler {
 public:
  /// Errors: those of make_poller.
  static result<std::unique_ptr<scheduler>> create(scheduler_options options);
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// The one that the calling fiber or thread was spawned by; null if none.
  static scheduler* current() noexcept;

  /// `group` may be null. Any thread. See cede::spawn for the errors.
  result<spawned*> spawn(kind what, const attributes& how, const detail::body& callable,
                         child_group* group);

  /// Starts threads for all workers from index `first` on, and the monitor's.
  /// Errors: thread_unavailable; those already started go on and `stop` ends them.
  result<> start_threads(unsigned first);

  /// Worker 0 on the calling thread, until `stop`.
  void run_here() noexcept;

  /// Lets the workers end once nothing is ready, and waits for the threads.
  /// Requires: all that was spawned has ended.
  void stop() noexcept;
  /// Only lets worker 0's `run_here` return. Any thread.
  void stop_first() noexcept { workers_.front()->stop(); }

  const std::vector<std::unique_ptr<worker>>& workers() const noexcept { return workers_; }
  base::virtual_clock* virtual_time() const noexcept { return options_.virtual_time; }
  /// What children without a scope belong to: the runtime's own scope. May be null.
  child_group* root() const noexcept { return root_; }
  void set_root(child_group* root) noexcept { root_ = root; }
  blocking_pool& blocking() noexcept { return blocking_; }
  clock::duration slice() const noexcept { return options_.slice; }
  /// Threads for workers that are held up.
  spare_threads& spares() noexcept { return spares_; }
  /// Who watches the workers; null if nobody does.
  monitor* watching() noexcept { return monitor_.get(); }
  /// Wakes a sleeping worker other than `busy`, if there is one, to steal from it.
  void rouse_a_thief(const worker& busy) noexcept;
  /// Any other worker than `self` with fibers to steal?
  bool anything_to_steal(const worker& self) const noexcept;

  /// An OS thread of this scheduler ends: it joins the one before it, so that none is left over.
  void thread_ended(pthread_t thread) noexcept;
  /// Things from outside that may still make something ready: OS threads, blocking calls.
  std::atomic<std::uint32_t> outside{0};

  /// Nothing is ready, no timer runs, no event can come: says who waits for what, and aborts.
  [[noreturn]] void report_deadlock() noexcept;

 private:
  explicit scheduler(scheduler_options options);
  worker& place(placement where) noexcept;
  result<> prepare_for(kind what);

  scheduler_options options_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
  spare_threads spares_;
  std::unique_ptr<monitor> monitor_;
  child_group* root_ = nullptr;
  blocking_pool blocking_;
  base::spinlock last_thread_lock_;
  pthread_t last_thread_{};
  bool has_last_thread_ = false;
};

}  // namespace cede::sched
