// The control block of what was spawned: a runnable with a body, an outcome, whoever waits for its
// end, and the group (a scope) that it belongs to.
//
// Actors: the spawned one itself, the holder of its handle, its group.
//
// Rules
//   1. It is born with two references: its own, given back when it has ended and its stack is free,
//      and one for the handle.
//   2. At its end, in this order: the body is destroyed, the group is told (which may record the
//      outcome), and `joiner_` becomes `ended`. Whoever then finds `ended` there, or is taken out
//      of there and unparked, sees everything the body did (the exchange is acq_rel).
//   3. One joiner at a time; parking.hpp rule 4 tells how it leaves.
#pragma once

#include <atomic>
#include <cede/spawn.hpp>
#include <memory>

#include "base/intrusive_list.hpp"
#include "sched/parking.hpp"
#include "sched/runnable.hpp"

namespace cede::sched {

struct group_tag {};

/// What children belong to: told of each end, on the child's own stack or thread.
class child_group {
 public:
  /// Before the first run.
  virtual void adopt(spawned& child) noexcept = 0;
  /// It could not be started after all.
  virtual void disown(spawned& child) noexcept = 0;
  virtual void ended(spawned& child) noexcept = 0;

 protected:
  ~child_group() = default;
};

class spawned : public runnable, public base::list_hook<group_tag> {
 public:
  spawned(control_function c, sched::carrier& by, capability can) noexcept : runnable(c, by, can) {}

  void set_name(std::string_view name) noexcept;
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// Gives a reference back; with the last one the control block goes back to its slab.
  void release() noexcept;
  /// Errors: cancelled, deadline_exceeded (of the caller).
  result<> join(deadline until);
  /// Waits for the end whatever happens to the caller: for destructors.
  void join_without_fail() noexcept;

  detail::outcome result_of_body;
  child_group* group = nullptr;

 protected:
  /// Runs the body, stores how it ended. Forced unwinding (pthread_exit) passes through.
  void run_body() noexcept(false);
  /// Rule 2.
  void announce_end() noexcept;
  /// Destroys the control block.
  virtual void dispose() noexcept = 0;
  ~spawned() = default;

  /// Unique in this process.
  static std::uint64_t next_id() noexcept;

  void* storage_ = nullptr;  // of the callable
  void (*run_)(void*, detail::outcome&) = nullptr;

 private:
  wake wait_for_end(deadline until, cancellation obey) noexcept;

  std::atomic<runnable*> joiner_{nullptr};
  std::atomic<std::uint32_t> references_{2};
  std::unique_ptr<char[]> name_;
};

}  // namespace cede::sched
