#include "sync/wait_queue.hpp"

namespace cede::sync {

sched::wake await_claim(wait_queue& queue, queue_hold& hold, const wait_terms& terms) noexcept {
  const sched::wake how = sched::park_until(terms.reason, terms.until, terms.obey);
  if (how == sched::wake::unparked) return how;
  sched::runnable& self = sched::current();
  hold.lock();
  if (ring::holds(self)) {
    ring(queue.first).remove(self);
    return how;
  }
  hold.unlock();
  sched::await_permit(terms.reason);
  return sched::wake::unparked;
}

sched::wake wait_in(wait_queue& queue, queue_hold& hold, const wait_terms& terms) noexcept {
  ring(queue.first).push_back(sched::current());
  hold.unlock();
  return await_claim(queue, hold, terms);
}

result<> as_result(sched::wake how) noexcept {
  switch (how) {
    case sched::wake::unparked:
      break;
    case sched::wake::deadline:
      return failure(errc::deadline_exceeded);
    case sched::wake::cancelled:
      return failure(errc::cancelled);
  }
  return {};
}

}  // namespace cede::sync
