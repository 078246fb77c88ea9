// The system calls in which a fiber is found most often when it blocks its worker.
#pragma once

#include <string>

namespace cede::sched {

/// "nanosleep", or "number 999".
std::string name_of_syscall(long number);

/// Whether a handler with SA_RESTART goes unnoticed in it: signal(7). Where that depends on the
/// descriptor (a socket with a timeout) the answer is no.
bool restarts_after_signal(long number) noexcept;

}  // namespace cede::sched
