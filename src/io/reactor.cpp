#include "io/reactor.hpp"

#include "sched/worker.hpp"

namespace cede::io {

reactor* reactor::current() noexcept {
  sched::worker* const here = sched::worker::current_regained();
  // Asked once for each descriptor and each operation, so a checked cast is cheap enough.
  return here == nullptr ? nullptr : dynamic_cast<reactor*>(&here->poller());
}

}  // namespace cede::io
