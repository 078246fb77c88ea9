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
//                        short read does not mean "empty", as no edge will come for the rest, and
//                        EAGAIN only if poll(2) agrees
//   reading, writing     there is a user
//   reader_blocks, writer_blocks   that user is an OS thread, which may sit in a system call
//   closing              a closer is busy with it
//   closed               sticky: no new users
//   pins                 a count of short calls beside reader and writer, such as setsockopt
//   tick                 counts edges: who clears `readable` proves that none came meanwhile
//   generation           counts the descriptors that this slot has been
//
// Who may touch what: fd_ is set before the block is shared. A slot (reader_, writer_) is filled by
// its user, and emptied by whoever exchanges it. watcher_ changes from null by a user's
// compare-and-swap, and back to null by whoever finds it there. streak_ is its user's.
//
// Rules
//   1. Blocks are never given back to the system, so deliver() may look at one at any time. It
//      changes nothing unless the generation fits.
//   2. A waiter fills its slot and then looks at the state once more; a waker changes the state and
//      then looks at the slot. All four are seq_cst, so one of the two sees the other (Dekker).
//      Whoever takes a waiter out of its slot unparks it (parking.hpp rules 3 and 4).
//   3. The file descriptor is closed by whoever leaves it last after `closed` was set: its number
//      cannot be given to another file while a call is in it.
//   4. A wake is a hint. Users go round: look, then wait or try.
//   5. It is watched from the first wait on, by the reactor of the worker where that is; what never
//      waits costs no registration.
//   6. A reader that waits for bytes says where they may go (room_) before it fills its slot.
//      Whoever delivers "readable" takes the reader out, receives on its behalf, and then unparks
//      it: the calls of a batch of events follow each other in one loop, which keeps the kernel's
//      code for them in the cache, and the fiber finds its bytes. room_ and received_ are the
//      waiter's until it is in the slot and from its unpark on, and in between of whoever has taken
//      it out.
#pragma once

#include <atomic>
#include <cede/deadline.hpp>
#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/attempt.hpp"
#include "io/descriptor_state.hpp"
#include "io/event_tag.hpp"
#include "sched/parking.hpp"
#include "sched/runnable.hpp"
#include "sched/wait_reason.hpp"

namespace cede::io {

class reactor;

enum class direction : std::uint8_t { read, write };

// A cache line of its own: two workers' descriptors do not disturb each other, and one that has
// waited long is fetched at once.
class alignas(64) descriptor {
 public:
  class use;
  class pin;
  class steps;  // a deliver() with others in between, for tests

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

  [[nodiscard]] bool is_closed() const noexcept {
    return (state_.load(std::memory_order_acquire) & descriptor_state::closed) != 0;
  }
  /// -1 after the close, when the last user has left.
  [[nodiscard]] int fd() const noexcept { return fd_.load(std::memory_order_relaxed); }
  [[nodiscard]] event_tag tag() const noexcept;

  /// For reactors: an edge for what `tag` names. Any thread.
  static void deliver(event_tag tag, edge what) noexcept;
  /// For reactors: has the cache fetch what a deliver() of `tag` will touch, the block first, and
  /// once that has arrived its reader. A hint.
  static void prefetch(event_tag tag) noexcept;
  static void prefetch_reader(event_tag tag) noexcept;
  /// For reactors: the kernel has ended its watch over what `tag` names; the next waiter asks for a
  /// new one. False if `by` did not watch it any more.
  static bool watch_ended(event_tag tag, reactor& by) noexcept;
  /// For reactors, at their end: those it watches are watched no longer, their waiters try again.
  static void forget_reactor(reactor& gone) noexcept;
  /// Blocks that live, for reports and leak tests.
  static std::size_t live() noexcept;

 private:
  std::atomic<sched::runnable*>& slot(direction way) noexcept {
    return way == direction::read ? reader_ : writer_;
  }
  static constexpr std::int32_t not_received = INT32_MIN;
  static constexpr std::uint64_t ready_bit(direction way) noexcept {
    return way == direction::read ? descriptor_state::readable : descriptor_state::writable;
  }
  bool enter(std::uint64_t bits) noexcept;
  static bool refuse(std::uint64_t seen, std::uint64_t bits) noexcept;
  void leave(std::uint64_t bits, std::uint64_t empty, std::uint64_t at_tick) noexcept;
  void count_turn(direction way) noexcept;
  void end_streak(direction way) noexcept;
  result<> wait(sched::runnable& self, direction way, sched::wait_reason reason, deadline until,
                std::span<std::byte> room) noexcept;
  result<> park(sched::runnable& self, direction way, sched::wait_reason reason, deadline until,
                std::uint64_t enough) noexcept;
  [[gnu::cold]] result<> withdraw(direction way, sched::wait_reason reason,
                                  sched::wake why) noexcept;
  result<> start_watching() noexcept;
  void unwatch() noexcept;
  sched::runnable* claim(std::atomic<sched::runnable*>& slot) noexcept;
  void wake(std::atomic<sched::runnable*>& slot) noexcept;
  // A deliver() on its way: what is left to be told, and the reader that it has taken out.
  struct delivery {
    std::uint64_t news;
    sched::runnable* reader;
  };
  delivery begin_delivery(std::uint64_t news) noexcept;
  void finish_delivery(event_tag tag, delivery begun) noexcept;
  std::uint64_t receive_for_reader(std::uint64_t news) noexcept;
  bool is_known(std::uint64_t news) const noexcept;
  bool add_news(event_tag tag, std::uint64_t news) noexcept;
  void wake_both() noexcept;
  bool hold() noexcept;
  void let_go() noexcept;
  void close_fd() noexcept;

  std::atomic<std::uint64_t> state_{0};
  std::atomic<sched::runnable*> reader_{nullptr};
  std::atomic<sched::runnable*> writer_{nullptr};
  std::atomic<reactor*> watcher_{nullptr};
  std::atomic<int> fd_{-1};
  std::atomic<std::byte*> room_{nullptr};  // rule 6; atomic for the sake of prefetch_reader
  std::uint32_t room_bytes_ = 0;           // 0: the reader wants to be woken, not served
  std::int32_t received_ = 0;              // bytes, a negative errno, or not_received
  std::uint32_t next_free_ = 0;            // in the list of free blocks
  std::uint8_t streak_[2] = {0, 0};        // calls in a row without a wait, for each direction
};

// False if closed.
inline bool descriptor::enter(std::uint64_t bits) noexcept {
  using namespace descriptor_state;
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  do {
    if ((seen & (closed | (bits & (reading | writing)))) != 0) [[unlikely]] {
      return refuse(seen, bits);
    }
    // Acquire pairs with the release in leave(): what the user before us did to the block is over.
  } while (!state_.compare_exchange_weak(seen, seen | bits, std::memory_order_acquire,
                                         std::memory_order_relaxed));
  return true;
}

// Takes `bits` away, and `empty` too if no edge has come since `at_tick`; rule 3.
inline void descriptor::leave(std::uint64_t bits, std::uint64_t empty,
                              std::uint64_t at_tick) noexcept {
  using namespace descriptor_state;
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    next = seen & ~bits;
    if (tick_of(seen) == at_tick && (seen & eager) == 0) next &= ~empty;
  } while (!state_.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  if ((next & closed) != 0 && (next & users) == 0) [[unlikely]] {
    close_fd();
  }
}

// A peer that always has something to say would keep its fiber, and so the worker, busy for ever.
inline void descriptor::count_turn(direction way) noexcept {
  constexpr std::uint8_t longest_streak = 64;
  std::uint8_t& streak = streak_[static_cast<std::size_t>(way)];
  if (++streak >= longest_streak) [[unlikely]] {
    end_streak(way);
  }
}

/// A short call that moves no bytes, beside a reader and a writer: the number of the file
/// descriptor stays this file's until its end.
class descriptor::pin {
 public:
  explicit pin(descriptor& d) noexcept : descriptor_(d), held_(d.hold()) {}
  ~pin() {
    if (held_) descriptor_.let_go();
  }
  pin(const pin&) = delete;
  pin& operator=(const pin&) = delete;

  /// False once it is closed: the call then ends with errc::closed.
  [[nodiscard]] bool open() const noexcept { return held_; }
  [[nodiscard]] int fd() const noexcept { return descriptor_.fd(); }

 private:
  descriptor& descriptor_;
  const bool held_;
};

}  // namespace cede::io
