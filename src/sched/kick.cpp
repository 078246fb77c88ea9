#include "sched/kick.hpp"

#include "base/signals.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

void on_kick(void* context) noexcept {
  if (worker* const here = worker::current()) here->kicked(*static_cast<ucontext_t*>(context));
}

}  // namespace

void install_kick_handler() noexcept { base::signals::set_kick_handler(&on_kick); }

}  // namespace cede::sched
