/// \file
/// The member that every object has which can be waited for. Not for users: see mutex.hpp,
/// condition_variable.hpp, semaphore.hpp, event.hpp and latch.hpp.
#pragma once

#include <cede/detail/spinlock.hpp>

namespace cede {

namespace sched {
struct runnable;
}  // namespace sched

namespace detail {

// Who waits, the longest first. src/sync/wait_queue.hpp has the operations and their rules.
struct wait_queue {
  base::spinlock lock;
  sched::runnable* first = nullptr;  // of a ring; under `lock`; null: nobody waits
};

}  // namespace detail
}  // namespace cede
