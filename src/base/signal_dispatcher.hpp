// The way from the handler of an asynchronous signal to callbacks on an ordinary thread.
#pragma once

#include <signal.h>

namespace cede::base::signals {

// The handler of all subscribed numbers, and of SIGPIPE.
void note_signal(int number, siginfo_t* info, void* context) noexcept;

}  // namespace cede::base::signals
