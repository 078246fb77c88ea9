#include "sched/kick.hpp"

#include "base/signals.hpp"
#include "context/no_preempt.hpp"
#include "sched/fiber.hpp"
#include "sched/preemptive/stray.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// In a region, so that the fiber is a stray or not for as long as it takes.
void on_kick(void* context) noexcept {
  auto& interrupted = *static_cast<ucontext_t*>(context);
  context::hold_preemption();
  bool gives_way = false;
  if (worker* const here = worker::current())
    gives_way = here->kicked(interrupted);
  else if (fiber* const self = fiber::running())
    gives_way = static_cast<stray*>(self->carrier.get())->kicked(interrupted, *self);
  if (!gives_way) context::release_preemption();
}

}  // namespace

void install_kick_handler() noexcept { base::signals::set_kick_handler(&on_kick); }

}  // namespace cede::sched
