// Which signal numbers cede has taken over, and what was there before.
//
// Actors: threads take and give back, under the registry's lock; handlers, on any thread at any
// instruction, read the previous disposition.
// Rules:
// 1. The previous disposition is recorded before ours is installed, so a handler always finds it.
// 2. Records are never changed nor freed (a handler may be reading one); equal ones are shared, so
//    their number stays small however often a signal is taken.
// 3. A number is taken by several users with the same handler, and given back by the last.
// 4. Giving back restores only if our handler is still the installed one: whoever came after us may
//    chain to us, and then we pass on.
#pragma once

#include <signal.h>

namespace cede::base::signals::registry {

using handler = void (*)(int number, siginfo_t* info, void* context);

// Installs `action` with SA_SIGINFO | SA_ONSTACK and `flags`; while it runs every signal but the
// synchronous ones is blocked. Requires: nobody has taken the number with another handler.
void take(int number, handler action, int flags);
void give_back(int number);

// What was there before; the default action where the number is not taken. Async-signal-safe.
[[nodiscard]] const struct sigaction& previous_of(int number) noexcept;

// Whether that is a function, neither SIG_DFL nor SIG_IGN. Async-signal-safe.
[[nodiscard]] bool is_real_handler(const struct sigaction& action) noexcept;

// Calls the previous handler with its mask, if it is a function; says whether. Async-signal-safe.
bool chain(int number, siginfo_t* info, void* context) noexcept;

// SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP: raised by an instruction, fatal when blocked.
[[nodiscard]] bool is_synchronous(int number) noexcept;

// All signals but the synchronous ones.
[[nodiscard]] sigset_t asynchronous_signals() noexcept;

}  // namespace cede::base::signals::registry
