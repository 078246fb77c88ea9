/// \file
/// Stretches of code in which a preemptive fiber is not interrupted.
///
///     {
///       const cede::no_preempt region;
///       ring->head = next;  // shared with a signal handler, or with hardware
///     }                     // a slice that ended meanwhile: others run here
///
/// For a few microseconds. It excludes nobody on other workers: that is what a mutex is for
/// (mutex.hpp). Code that others may interrupt at will, which is nearly all, does not need it.
#pragma once

#include <cede/detail/no_preempt.hpp>

namespace cede {

/// While it lives the calling preemptive fiber keeps its worker, whatever its slice; if that has
/// ended meanwhile, others run when the last one on its stack is destroyed. Regions nest.
/// Cooperative fibers and OS threads are not interrupted by cede anyway: there it does nothing. A
/// wait inside gives way as always, and the fiber may go on on another worker.
/// Requires: begins and ends in the same fiber or thread.
/// Blocks: its end may let others run.
/// Threads: any.
class [[nodiscard]] no_preempt {
 public:
  no_preempt() noexcept = default;

 private:
  detail::no_preempt_region region_;
};

}  // namespace cede
