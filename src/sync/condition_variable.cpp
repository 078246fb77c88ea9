// A waiter enters the queue before it releases the mutex, so a notification that comes after the
// release finds it there: wait_queue.hpp does the rest.
#include <cede/condition_variable.hpp>

#include "base/assert.hpp"
#include "sync/wait_queue.hpp"

namespace cede {
namespace {

sched::wake wait_released(detail::wait_queue& waiters, std::unique_lock<mutex>& lock,
                          const sync::wait_terms& terms) noexcept {
  CEDE_REQUIRE(lock.owns_lock(), "condition variable: waits without holding the mutex");
  sync::queue_hold hold(waiters.lock);
  sync::ring(waiters.first).push_back(sched::current());
  hold.unlock();
  lock.unlock();
  const sched::wake how = sync::await_claim(waiters, hold, terms);
  if (hold.owns_lock()) hold.unlock();  // before the mutex, as that may wait
  lock.lock();
  return how;
}

void notify(detail::wait_queue& waiters, std::size_t most) noexcept {
  sync::queue_hold hold(waiters.lock);
  sync::claimed woken = sync::claim(waiters, most);
  hold.unlock();
  woken.unpark();
}

}  // namespace

void condition_variable::notify_one() noexcept { notify(waiters_, 1); }

void condition_variable::notify_all() noexcept { notify(waiters_, sync::everyone); }

void condition_variable::wait(std::unique_lock<mutex>& hold) noexcept {
  static_cast<void>(
      wait_released(waiters_, hold,
                    {sched::wait_reason::condition_variable, never, sched::cancellation::ignored}));
}

result<> condition_variable::wait_until(std::unique_lock<mutex>& hold, deadline until) noexcept {
  return sync::as_result(
      wait_released(waiters_, hold, {sched::wait_reason::condition_variable, until}));
}

}  // namespace cede
