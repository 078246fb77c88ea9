// What a kick does on a worker's thread: answers the monitor's question, and interrupts a
// preemptive fiber whose slice is over.
#pragma once

namespace cede::sched {

/// Puts the handler in place. Once for the process is enough; again does no harm.
void install_kick_handler() noexcept;

}  // namespace cede::sched
