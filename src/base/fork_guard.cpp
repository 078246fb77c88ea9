#include "base/fork_guard.hpp"

#include <pthread.h>

#include <array>

#include "base/assert.hpp"
#include "base/line_buffer.hpp"

namespace cede::base {

constinit std::atomic<bool> fork_guard::forked_child = false;

namespace {

// Relaxed: see in_forked_child().
void mark_child() noexcept { fork_guard::forked_child.store(true, std::memory_order_relaxed); }

// Registered while the program is loaded: any later moment could come after a fork.
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, mark_child);

}  // namespace

void fork_guard::refuse(const char* what) noexcept {
  line_buffer<256> text;
  text.append(what).append(": after fork the child may only exec or exit");
  std::array<char, 257> terminated{};
  std::memcpy(terminated.data(), text.view().data(), text.view().size());
  contract_failure(terminated.data());
}

}  // namespace cede::base
