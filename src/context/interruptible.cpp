#include "context/interruptible.hpp"

#include "base/sanitizers.hpp"
#include "base/signals.hpp"
#include "context/registers.hpp"
#include "context/sliced_wait.hpp"

extern "C" {
long cede_interruptible_syscall(const std::atomic<std::uint32_t>* stop, std::uint32_t stop_mask,
                                long number, long a0, long a1, long a2, long a3, long a4,
                                long a5) noexcept;
extern const char cede_interruptible_check;
extern const char cede_interruptible_made;
extern const char cede_interruptible_abandoned;
}

static_assert(sizeof(std::atomic<std::uint32_t>) == 4, "the assembly reads it as a plain word");

namespace cede::context {

namespace {

std::uintptr_t address(const char& label) noexcept {
  return reinterpret_cast<std::uintptr_t>(&label);
}

// At `made` the call has its result, whatever it is; before that it had no effect, also where the
// kernel moved the program counter back to make the call again.
void leave_window(void* context) noexcept {
  auto& interrupted = *static_cast<ucontext_t*>(context);
  const std::uintptr_t at = program_counter(interrupted);
  if (at < address(cede_interruptible_check) || at >= address(cede_interruptible_made)) return;
  set_program_counter(interrupted, address(cede_interruptible_abandoned));
}

}  // namespace

long interruptible_syscall(const std::atomic<std::uint32_t>* stop, std::uint32_t stop_mask,
                           long number, long a0, long a1, long a2, long a3, long a4,
                           long a5) noexcept {
#if CEDE_TSAN
  const sliced_call call{stop, stop_mask, number, {a0, a1, a2, a3, a4, a5}};
  return make_sliced(call);
#else
  return cede_interruptible_syscall(stop, stop_mask, number, a0, a1, a2, a3, a4, a5);
#endif
}

void install_interrupt_handler() noexcept { base::signals::set_interrupt_handler(&leave_window); }

}  // namespace cede::context
