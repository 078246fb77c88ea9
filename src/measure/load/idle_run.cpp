#include "measure/load/idle_run.hpp"

#include <algorithm>

namespace cede::measure::load {

outcome<idle_report> open_and_weigh(lead& leader, const target_plan& plan, greeting first,
                                    const idle_plan& idle) {
  memory_growth growth;
  const std::uint32_t before_the_look = std::min(idle.first, plan.connections);
  const auto began = monotonic_now();
  if (auto opened = leader.open(0, before_the_look, first, 0); !opened)
    return std::unexpected(opened.error());
  if (auto seen = plan.reached(stage::first_opened); !seen) return std::unexpected(seen.error());
  if (leader.probe()) {
    auto before = leader.probe()->memory();
    if (!before) return std::unexpected(before.error());
    growth.before = *before;
  }
  if (!leader.stopped())
    if (auto opened = leader.open(before_the_look, plan.connections, first, 0); !opened)
      return std::unexpected(opened.error());
  idle_report report{.connections = leader.connections(),
                     .processes = leader.parts(),
                     .opening = monotonic_now() - began,
                     .memory = {},
                     .partial = leader.stopped()};
  if (!report.partial)
    if (auto seen = plan.reached(stage::opened); !seen) return std::unexpected(seen.error());
  if (!leader.probe() || report.connections < before_the_look) return report;

  if (auto rested = leader.rest(phase::settling, idle.settle); !rested)
    return std::unexpected(rested.error());
  auto after = leader.probe()->memory();
  if (!after) return std::unexpected(after.error());
  growth.after = *after;
  growth.connections = report.connections - before_the_look;
  report.memory = growth;
  report.partial = leader.stopped();
  return report;
}

outcome<idle_report> run_idle(const target_plan& plan, const idle_plan& idle,
                              const watch& onlooker) {
  const greeting first =
      idle.messages == exchanges::always ? greeting::exchanged : greeting::omitted;
  lead leader(plan, onlooker);
  leader.plan_ahead(idle.settle + idle.hold);
  if (auto started = leader.start(0, {}); !started) return std::unexpected(started.error());
  auto report = open_and_weigh(leader, plan, first, idle);
  if (!report || report->partial) return report;
  if (auto held = leader.rest(phase::holding, idle.hold); !held)
    return std::unexpected(held.error());
  report->partial = leader.stopped();
  if (idle.messages == exchanges::never || report->partial) return report;
  if (auto answered = leader.exchange(); !answered) return std::unexpected(answered.error());
  report->partial = leader.stopped();
  if (report->partial) return report;
  if (auto seen = plan.reached(stage::exchanged); !seen) return std::unexpected(seen.error());
  return report;
}

}  // namespace cede::measure::load
