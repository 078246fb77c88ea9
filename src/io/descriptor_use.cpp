// How the users of a descriptor wait.
#include "io/descriptor_use.hpp"

#include <algorithm>

#include "sched/parking.hpp"

namespace cede::io {

void descriptor::end_streak(direction way) noexcept {
  streak_[static_cast<std::size_t>(way)] = 0;
  sched::yield();
}

result<> descriptor::wait(sched::runnable& self, direction way, sched::wait_reason reason,
                          deadline until, std::span<std::byte> room) noexcept {
  if (way == direction::read) {  // a writer may wait beside the reader whose fields these are
    room_ = room.data();
    room_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(room.size(), INT32_MAX));
    received_ = not_received;
  }
  if (watcher_.load(std::memory_order_seq_cst) == nullptr) [[unlikely]] {
    if (auto watched = start_watching(); !watched) return watched;
  }
  auto woken = park(self, way, reason, until, ready_bit(way));
  if (woken) streak_[static_cast<std::size_t>(way)] = 0;
  return woken;
}

result<bool> descriptor::use::wait_for_close(sched::runnable& self, sched::wait_reason reason,
                                             deadline until) noexcept {
  while (open()) {
    auto woken = descriptor_.park(self, way_, reason, until, 0);
    if (woken) continue;
    if (woken.error() == errc::deadline_exceeded) return false;
    return std::unexpected(woken.error());
  }
  return true;
}

// Rule 2. `enough` are the bits that make waiting needless, beside closed; where edges count, so
// does a watcher that has been lost meanwhile.
result<> descriptor::park(sched::runnable& self, direction way, sched::wait_reason reason,
                          deadline until, std::uint64_t enough) noexcept {
  std::atomic<sched::runnable*>& mine = slot(way);
  mine.store(&self, std::memory_order_seq_cst);
  const bool needless =
      (state_.load(std::memory_order_seq_cst) & (enough | descriptor_state::closed)) != 0 ||
      (enough != 0 && watcher_.load(std::memory_order_seq_cst) == nullptr);
  sched::wake why = sched::wake::unparked;
  if (!needless) {
    why = sched::park_until(reason, until);
    if (why == sched::wake::unparked) return {};
  }
  if (mine.exchange(nullptr, std::memory_order_acq_rel) == nullptr) {
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
