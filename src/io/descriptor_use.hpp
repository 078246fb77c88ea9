// One call in a descriptor: entering, looking, waiting, leaving. Inline and without a life of its
// own, so that in a caller that knows direction and kind nothing is left of it but the steps on the
// state word.
#pragma once

#include <algorithm>

#include "io/descriptor.hpp"
#include "sched/park_here.hpp"

namespace cede::io {

// Rule 2. `enough` are the bits that make waiting needless, beside closed; where edges count, so
// does a watcher that has been lost meanwhile.
[[gnu::always_inline]] inline result<> descriptor::park(sched::runnable& self, direction way,
                                                        sched::wait_reason reason, deadline until,
                                                        std::uint64_t enough) noexcept {
  slot(way).store(&self, std::memory_order_seq_cst);
  const bool needless =
      (state_.load(std::memory_order_seq_cst) & (enough | descriptor_state::closed)) != 0 ||
      (enough != 0 && watcher_.load(std::memory_order_seq_cst) == nullptr);
  sched::wake why = sched::wake::unparked;
  if (!needless) [[likely]] {
    why = sched::park_self(self, reason, until, sched::cancellation::obeyed);
    if (why == sched::wake::unparked) [[likely]]
      return {};
  }
  return withdraw(way, reason, why);
}

[[gnu::always_inline]] inline result<> descriptor::wait(sched::runnable& self, direction way,
                                                        sched::wait_reason reason, deadline until,
                                                        std::span<std::byte> room) noexcept {
  if (way == direction::read) {  // a writer may wait beside the reader whose fields these are
    room_.store(room.data(), std::memory_order_relaxed);
    room_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(room.size(), INT32_MAX));
    received_ = not_received;
  }
  if (watcher_.load(std::memory_order_seq_cst) == nullptr) [[unlikely]] {
    if (auto watched = start_watching(); !watched) return watched;
  }
  auto woken = park(self, way, reason, until, ready_bit(way));
  if (woken) [[likely]]
    streak_[static_cast<std::size_t>(way)] = 0;
  return woken;
}

/// What to do next.
enum class outlook : std::uint8_t {
  closed,   // end with errc::closed
  nothing,  // wait
  ready,    // try
};

/// Made at the start of a call, destroyed at its end.
class descriptor::use {
 public:
  enum class by : std::uint8_t {
    fiber,   // waits in `wait`
    thread,  // blocks in system calls; `close` ends them by shutdown(2)
  };

  use(descriptor& d, direction way, by whom) noexcept
      : descriptor_(d), bits_(bits_of_user(way, whom)), way_(way), entered_(d.enter(bits_)) {
    if (entered_ && whom == by::fiber) d.count_turn(way);
  }
  ~use() {
    using namespace descriptor_state;
    if (entered_) descriptor_.leave(bits_, empty_at_end_ ? ready_bit() : 0, tick_of(seen_));
  }
  use(const use&) = delete;
  use& operator=(const use&) = delete;

  /// Remembers the edges so far for exhausted() and emptied().
  [[nodiscard]] outlook look() noexcept {
    using namespace descriptor_state;
    if (!entered_) return outlook::closed;
    // Acquire pairs with deliver(): the tick is read no later than the call that follows.
    seen_ = descriptor_.state_.load(std::memory_order_acquire);
    if ((seen_ & closed) != 0) return outlook::closed;
    return (seen_ & ready_bit()) != 0 ? outlook::ready : outlook::nothing;
  }
  [[nodiscard]] bool open() const noexcept { return entered_ && !descriptor_.is_closed(); }
  [[nodiscard]] int fd() const noexcept { return descriptor_.fd(); }

  /// The call said EAGAIN, which is not believed where there was urgent data: is_readable().
  void exhausted() noexcept {
    using namespace descriptor_state;
    if ((seen_ & eager) != 0 && way_ == direction::read && is_readable(fd())) [[unlikely]]
      return;
    std::uint64_t seen = descriptor_.state_.load(std::memory_order_relaxed);
    do {
      if (tick_of(seen) != tick_of(seen_)) return;
      // Relaxed: clears a hint, publishes nothing. The tick in the same word orders it after edges.
    } while (!descriptor_.state_.compare_exchange_weak(seen, seen & ~ready_bit(),
                                                       std::memory_order_relaxed));
  }

  /// A read took less than it could: the buffer is empty, unless `eager`. To be said last.
  void emptied() noexcept { empty_at_end_ = true; }

  /// Waits for an edge, a close, or no reason (rule 4). `self` is the caller, a fiber.
  /// Errors: cancelled, deadline_exceeded, errno of the registration.
  result<> wait(sched::runnable& self, sched::wait_reason reason, deadline until,
                std::span<std::byte> room = {}) noexcept {
    return descriptor_.wait(self, way_, reason, until, room);
  }

  /// After a reader's wait: whether something was received meanwhile.
  [[nodiscard]] bool served() const noexcept {
    return way_ == direction::read && descriptor_.received_ != not_received;
  }
  /// Requires: served().
  [[nodiscard]] attempt received() const noexcept {
    const std::int32_t got = descriptor_.received_;
    return got >= 0 ? attempt{.moved = static_cast<std::size_t>(got)} : attempt{.error = -got};
  }

  /// Waits for a close or `until`, whatever edges come.
  /// Errors: cancelled. True: closed.
  result<bool> wait_for_close(sched::runnable& self, sched::wait_reason reason,
                              deadline until) noexcept;

 private:
  static constexpr std::uint64_t bits_of_user(direction way, by whom) noexcept {
    using namespace descriptor_state;
    const bool reads = way == direction::read;
    const std::uint64_t bits = reads ? reading : writing;
    if (whom == by::fiber) return bits;
    return bits | (reads ? reader_blocks : writer_blocks);
  }
  [[nodiscard]] std::uint64_t ready_bit() const noexcept { return descriptor::ready_bit(way_); }

  descriptor& descriptor_;
  const std::uint64_t bits_;
  const direction way_;
  const bool entered_;
  bool empty_at_end_ = false;
  std::uint64_t seen_ = 0;
};

}  // namespace cede::io
