#include "sched/preemptive/preemption.hpp"

#include <cede/spawn.hpp>

#include "context/no_preempt.hpp"
#include "context/preempt.hpp"
#include "context/set_id_signal.hpp"
#include "context/tls_block.hpp"
#include "sched/fiber.hpp"
#include "sched/parking.hpp"
#include "sched/preemptive/stray.hpp"

namespace cede {
namespace sched {
namespace {

// The last region of a preemptive fiber has ended, and its slice had ended before.
void give_way_now() noexcept {
  const context::no_preempt_region region;
  give_way(static_cast<fiber&>(current()), departure::expired);
  context::forget_pending();
}

const char* look() noexcept {
  if (const char* const obstacle = context::obstacle_to_preemption()) return obstacle;
  if (const char* const obstacle = context::obstacle_to_own_tls()) return obstacle;
  context::set_preemption_due_handler(&give_way_now);
  static_cast<void>(context::take_set_id_signal());  // without it set*id waits, as support.md says
  return nullptr;
}

}  // namespace

const char* prepare_preemption() noexcept {
  static const char* const obstacle = look();
  return obstacle;
}

}  // namespace sched

const char* obstacle_to_preemptive() noexcept { return sched::prepare_preemption(); }

}  // namespace cede
