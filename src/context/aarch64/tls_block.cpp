// aarch64: not supported yet. The C library keeps its control block below the thread pointer there,
// and nobody has tried.
#include "context/tls_block.hpp"

#include "base/assert.hpp"

namespace cede::context {

const char* obstacle_to_own_tls() noexcept {
  return "own TLS blocks, which preemptive fibers need, are not supported on aarch64 yet";
}

std::size_t tls_block_bytes() noexcept { return 0; }

result<tls_block> make_tls_block(const stack_slot&) noexcept {
  return failure(errc::not_supported);
}

thread_end run_as_thread(void (*)(void*), void*) noexcept {
  base::contract_failure("run_as_thread was called without a TLS block");
}

void free_tls_block(const tls_block&) noexcept {}

}  // namespace cede::context
