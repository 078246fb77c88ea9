// The control block of one file descriptor that cede owns: is it ready, who uses it, who waits.
//
// Actors: at most one reader and one writer at a time ("users": fibers, perhaps on two workers, or
// OS threads); the reactor that watches it (deliver, on its worker's thread); closers (any thread);
// the owner, who creates and destroys it.
//
// States of `state_`, one word so that each step is one compare-and-swap:
//   readable, writable   nothing is known against it: try. Set at birth and at each edge; cleared
//                        by a user who found the kernel's buffer empty (full) and saw no edge since
//   eager                an edge told of an end, an error or urgent data: sticky. From then on a
//   short
//                        read does not mean "empty", since no further edge will come for the rest
//   reading, writing     there is a user
//   reader_blocks, writer_blocks   that user is an OS thread, which may sit in a system call
//   closing              a closer is busy with it
//   closed               sticky: no new users
//   tick                 counts edges: who clears `readable` proves that none came meanwhile
//   generation           counts the descriptors that this slot has been
//
// Who may touch what: fd_ is set before the block is shared. A slot (reader_, writer_) is filled by
// its user, and emptied by whoever exchanges it. watcher_ changes by compare-and-swap from null by
// a user, and back to null under the lock of watchers.
//
// Rules
//   1. Blocks are never given back to the system, so deliver() may look at one at any time. It
//      changes nothing unless the generation fits.
//   2. A waiter fills its slot and then looks at the state once more; a waker changes the state and
//      then looks at the slot. All four are seq_cst, so one of the two sees the other (Dekker).
//      Whoever takes a waiter out of its slot unparks it (parking.hpp rules 3 and 4).
//   3. The file descriptor is closed by whoever leaves it last after `closed` was set: its number
//      cannot be given to another file while a call is in it.
//   4. A wake is a hint. Users go round: ready? wait : try.
//   5. It is watched from the first wait on, by the reactor of the worker where that is; what never
//      waits costs no registration.
#pragma once

#include <atomic>
#include <cede/deadline.hpp>
#include <cede/error.hpp>
#include <cstdint>

#include "io/event_tag.hpp"
#include "sched/runnable.hpp"
#include "sched/wait_reason.hpp"

namespace cede::io {

class reactor;

enum class direction : std::uint8_t { read, write };

/// What an edge said. Bits may be joined.
enum class edge : std::uint8_t { none = 0, readable = 1, writable = 2, eager = 4 };

constexpr edge operator|(edge a, edge b) noexcept {
  return static_cast<edge>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr edge& operator|=(edge& a, edge b) noexcept { return a = a | b; }

class descriptor {
 public:
  class use;

  /// Takes over `fd`, with an assumption that costs at most one failing call: that it is ready.
  /// Null if memory is out; then `fd` is still the caller's.
  static descriptor* create(int fd) noexcept;

  /// Closes it and gives the block back. Requires: no user. A second reader or a destroyed block in
  /// use aborts with a message.
  static void destroy(descriptor* d) noexcept;

  /// A block that was never used; create() fills it.
  descriptor() noexcept = default;
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  /// Lets no new user in and wakes those that are there: their calls end with errc::closed.
  /// Blocks: nothing. Any thread; a second close does nothing.
  void close() noexcept;

  [[nodiscard]] bool is_closed() const noexcept;
  /// -1 after the close, when the last user has left.
  [[nodiscard]] int fd() const noexcept { return fd_.load(std::memory_order_relaxed); }
  [[nodiscard]] event_tag tag() const noexcept;

  /// For reactors: an edge for what `tag` names. Any thread.
  static void deliver(event_tag tag, edge what) noexcept;
  /// For reactors: the kernel has ended its watch over what `tag` names; the next waiter asks for a
  /// new one. False if `by` did not watch it any more.
  static bool watch_ended(event_tag tag, reactor& by) noexcept;
  /// For reactors, at their end: those it watches are watched no longer, their waiters try again.
  static void forget_reactor(reactor& gone) noexcept;
  /// Blocks that live, for reports and leak tests.
  static std::size_t live() noexcept;

 private:
  struct waiting_slots;

  std::atomic<sched::runnable*>& slot(direction way) noexcept {
    return way == direction::read ? reader_ : writer_;
  }
  bool enter(direction way, std::uint64_t bits) noexcept;
  void leave(std::uint64_t bits, std::uint64_t empty, std::uint64_t at_tick) noexcept;
  result<> ensure_watched() noexcept;
  void unwatch() noexcept;
  void wake(std::atomic<sched::runnable*>& slot) noexcept;
  void wake_both() noexcept;
  void close_fd() noexcept;

  std::atomic<std::uint64_t> state_{0};
  std::atomic<sched::runnable*> reader_{nullptr};
  std::atomic<sched::runnable*> writer_{nullptr};
  std::atomic<reactor*> watcher_{nullptr};
  std::atomic<int> fd_{-1};
  std::uint32_t next_free_ = 0;      // in the list of free blocks
  std::uint8_t streak_[2] = {0, 0};  // calls in a row without a wait; its user's
};

/// One call in progress: made at its start, destroyed at its end.
class descriptor::use {
 public:
  enum class by : std::uint8_t {
    fiber,   // waits in `wait`
    thread,  // blocks in system calls; `close` ends them by shutdown(2)
  };

  use(descriptor& d, direction way, by whom) noexcept;
  ~use();
  use(const use&) = delete;
  use& operator=(const use&) = delete;

  /// False once it is closed: the call then ends with errc::closed.
  [[nodiscard]] bool open() const noexcept;
  [[nodiscard]] int fd() const noexcept { return descriptor_.fd(); }

  /// Whether to try; if not, wait. Remembers the edges so far for exhausted() and emptied().
  [[nodiscard]] bool ready() noexcept;

  /// The call said EAGAIN.
  void exhausted() noexcept;
  /// A read took less than it could: the buffer is empty, unless `eager`. To be said last.
  void emptied() noexcept { empty_at_end_ = true; }

  /// Waits for an edge, a close, or no reason (rule 4). By a fiber only.
  /// Errors: cancelled, deadline_exceeded, errno of the registration.
  result<> wait(sched::wait_reason reason, deadline until) noexcept;

  /// Waits for a close or `until`, whatever edges come.
  /// Errors: cancelled. True: closed.
  result<bool> wait_for_close(sched::wait_reason reason, deadline until) noexcept;

 private:
  std::uint64_t ready_bit() const noexcept;
  result<> park(sched::wait_reason reason, deadline until, std::uint64_t enough) noexcept;

  descriptor& descriptor_;
  const direction way_;
  const by whom_;
  bool entered_;
  bool empty_at_end_ = false;
  std::uint64_t seen_ = 0;
};

}  // namespace cede::io
