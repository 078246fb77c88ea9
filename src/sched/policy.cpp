#include "sched/policy.hpp"

#include <algorithm>
#include <utility>

namespace cede::sched {

void class_queues::push(runnable& r) noexcept {
  queue_[std::min<std::size_t>(r.priority, classes - 1)].push_back(r);
  ++count_;
}

runnable* class_queues::take(std::size_t which) noexcept {
  passed_over_[which] = 0;
  --count_;
  return queue_[which].pop_front();
}

runnable* class_queues::pop() noexcept {
  if (count_ == 0) return nullptr;
  // The least urgent first: it has been passed over by all the others.
  for (std::size_t which = classes - 1; which > 0; --which)
    if (!queue_[which].empty() && passed_over_[which] >= starvation_bound) return take(which);
  std::size_t best = 0;
  while (queue_[best].empty()) ++best;
  for (std::size_t which = best + 1; which < classes; ++which)
    if (!queue_[which].empty()) ++passed_over_[which];
  return take(best);
}

runnable* class_queues::front() const noexcept {
  for (const run_queue& each : queue_)
    if (!each.empty()) return each.front();
  return nullptr;
}

runnable* seeded_policy::pick_next() noexcept {
  if (ready_.empty()) return nullptr;
  std::uniform_int_distribution<std::size_t> any(0, ready_.size() - 1);
  std::swap(ready_[any(random_)], ready_.back());
  runnable* const chosen = ready_.back();
  ready_.pop_back();
  return chosen;
}

}  // namespace cede::sched
