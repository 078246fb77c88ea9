// How the users of a descriptor wait.
#include "io/descriptor_use.hpp"

#include "sched/parking.hpp"

namespace cede::io {

void descriptor::end_streak(direction way) noexcept {
  streak_[static_cast<std::size_t>(way)] = 0;
  sched::yield();
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

// Parking.hpp rule 4: whoever comes back for another reason takes itself out.
result<> descriptor::withdraw(direction way, sched::wait_reason reason, sched::wake why) noexcept {
  if (slot(way).exchange(nullptr, std::memory_order_acq_rel) == nullptr) {
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
