// Event: a flag that changes under the queue's lock, and a queue. `wait` takes the lock even if the
// flag is set, as whoever set it may still have that lock to release (wait_queue.hpp rule 4).
#include <cede/event.hpp>

#include "sync/wait_queue.hpp"

namespace cede {

void event::set() noexcept {
  sync::queue_hold hold(waiters_.lock);
  set_.store(true, std::memory_order_release);  // pairs with the load in is_set()
  sync::claimed woken = sync::claim(waiters_, sync::everyone);
  hold.unlock();
  woken.unpark();
}

void event::reset() noexcept {
  const sync::queue_hold hold(waiters_.lock);
  set_.store(false, std::memory_order_relaxed);  // the lock orders it; it publishes nothing
}

result<> event::wait(deadline until) noexcept {
  sync::queue_hold hold(waiters_.lock);
  if (set_.load(std::memory_order_relaxed)) return {};  // the lock orders it
  return sync::as_result(sync::wait_in(waiters_, hold, {sched::wait_reason::event, until}));
}

}  // namespace cede
