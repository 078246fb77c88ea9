// One call in a descriptor: entering, waiting, leaving.
#include "base/assert.hpp"
#include "io/descriptor.hpp"
#include "io/descriptor_state.hpp"
#include "sched/parking.hpp"

namespace cede::io {

using namespace descriptor_state;

namespace {

// A peer that always has something to say would keep its fiber, and so the worker, busy for ever.
constexpr std::uint8_t longest_streak = 64;

std::uint64_t user_bits(direction way, descriptor::use::by whom) noexcept {
  const bool reads = way == direction::read;
  const std::uint64_t bits = reads ? reading : writing;
  if (whom == descriptor::use::by::fiber) return bits;
  return bits | (reads ? reader_blocks : writer_blocks);
}

}  // namespace

descriptor::use::use(descriptor& d, direction way, by whom) noexcept
    : descriptor_(d), way_(way), whom_(whom), entered_(d.enter(way, user_bits(way, whom))) {
  if (!entered_ || whom == by::thread) return;
  std::uint8_t& streak = d.streak_[static_cast<std::size_t>(way)];
  if (++streak < longest_streak) return;
  streak = 0;
  sched::yield();
}

descriptor::use::~use() {
  if (entered_)
    descriptor_.leave(user_bits(way_, whom_), empty_at_end_ ? ready_bit() : 0, tick_of(seen_));
}

std::uint64_t descriptor::use::ready_bit() const noexcept {
  return way_ == direction::read ? readable : writable;
}

bool descriptor::use::open() const noexcept { return entered_ && !descriptor_.is_closed(); }

bool descriptor::use::ready() noexcept {
  // Acquire pairs with deliver(): the tick is read no later than the call that follows.
  seen_ = descriptor_.state_.load(std::memory_order_acquire);
  return (seen_ & ready_bit()) != 0;
}

void descriptor::use::exhausted() noexcept {
  std::uint64_t seen = descriptor_.state_.load(std::memory_order_relaxed);
  do {
    if (tick_of(seen) != tick_of(seen_)) return;
    // Relaxed: clears a hint, publishes nothing. The tick in the same word orders it after edges.
  } while (!descriptor_.state_.compare_exchange_weak(seen, seen & ~ready_bit(),
                                                     std::memory_order_relaxed));
}

result<> descriptor::use::wait(sched::wait_reason reason, deadline until) noexcept {
  CEDE_ASSERT(whom_ == by::fiber, "an OS thread waits in poll");
  descriptor_.streak_[static_cast<std::size_t>(way_)] = 0;
  if (auto watched = descriptor_.ensure_watched(); !watched) return watched;
  return park(reason, until, ready_bit());
}

result<bool> descriptor::use::wait_for_close(sched::wait_reason reason, deadline until) noexcept {
  while (open()) {
    auto woken = park(reason, until, 0);
    if (woken) continue;
    if (woken.error() == errc::deadline_exceeded) return false;
    return std::unexpected(woken.error());
  }
  return true;
}

// Rule 2. `enough` are the bits that make waiting needless, beside closed.
result<> descriptor::use::park(sched::wait_reason reason, deadline until,
                               std::uint64_t enough) noexcept {
  descriptor& d = descriptor_;
  sched::runnable& self = sched::current();
  std::atomic<sched::runnable*>& slot = d.slot(way_);
  slot.store(&self, std::memory_order_seq_cst);
  const bool needless = (d.state_.load(std::memory_order_seq_cst) & (enough | closed)) != 0 ||
                        (enough != 0 && d.watcher_.load(std::memory_order_seq_cst) == nullptr);
  sched::wake why = sched::wake::unparked;
  if (!needless) {
    why = sched::park_until(reason, until);
    if (why == sched::wake::unparked) return {};
  }
  if (slot.exchange(nullptr, std::memory_order_acq_rel) == nullptr) {
    sched::await_permit(reason);
    return {};
  }
  switch (why) {
    case sched::wake::deadline:
      return failure(errc::deadline_exceeded);
    case sched::wake::cancelled:
      return failure(errc::cancelled);
    case sched::wake::unparked:
      break;
  }
  return {};
}

}  // namespace cede::io
