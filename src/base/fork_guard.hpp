// After fork() the child has one thread and copies of locks, rings and epoll sets that the parent
// still uses: there cede answers with a clear message. The child may only exec or exit.
#pragma once

#include <atomic>

namespace cede::base {

namespace fork_guard {
extern std::atomic<bool> forked_child;  // written in the child only, while it has one thread
}

// Whether this process came from fork() after cede was loaded. (vfork and posix_spawn do not count:
// their children run no code of ours.)
[[nodiscard]] inline bool in_forked_child() noexcept {
  // Relaxed: the store happened on the only thread of the child, before any thread it starts.
  return fork_guard::forked_child.load(std::memory_order_relaxed);
}

namespace fork_guard {
[[noreturn, gnu::cold]] void refuse(const char* what) noexcept;
}

// Aborts with "WHAT: after fork the child may only exec or exit" in such a child.
inline void require_not_forked_child(const char* what) noexcept {
  if (in_forked_child()) [[unlikely]]
    fork_guard::refuse(what);
}

}  // namespace cede::base
