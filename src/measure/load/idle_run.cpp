#include "measure/load/idle_run.hpp"

#include <algorithm>
#include <thread>

namespace cede::measure::load {

outcome<idle_report> open_and_weigh(crowd& members, const target_plan& plan, greeting first,
                                    const idle_plan& idle) {
  std::optional<server_probe> probe;
  memory_growth growth;
  if (plan.server_pid != 0) {
    auto attached = server_probe::attach(plan.server_pid);
    if (!attached) return std::unexpected(attached.error());
    probe = *attached;
  }
  const auto began = std::chrono::steady_clock::now();
  const std::uint32_t before_the_look = std::min(idle.first, plan.connections);
  if (auto opened = members.open(before_the_look, first); !opened)
    return std::unexpected(opened.error());
  if (auto seen = plan.reached(stage::first_opened); !seen) return std::unexpected(seen.error());
  if (probe) {
    auto before = probe->memory();
    if (!before) return std::unexpected(before.error());
    growth.before = *before;
  }
  growth.connections = plan.connections - before_the_look;
  if (auto opened = members.open(growth.connections, first); !opened)
    return std::unexpected(opened.error());
  idle_report report;
  report.connections = plan.connections;
  report.opening = std::chrono::steady_clock::now() - began;
  if (auto seen = plan.reached(stage::opened); !seen) return std::unexpected(seen.error());
  if (!probe) return report;

  std::this_thread::sleep_for(idle.settle);
  auto after = probe->memory();
  if (!after) return std::unexpected(after.error());
  growth.after = *after;
  report.memory = growth;
  return report;
}

outcome<idle_report> run_idle(const target_plan& plan, const idle_plan& idle) {
  auto members = crowd::create(plan, 0);
  if (!members) return std::unexpected(members.error());
  const greeting first =
      idle.messages == exchanges::always ? greeting::exchanged : greeting::omitted;
  auto report = open_and_weigh(*members, plan, first, idle);
  if (!report) return report;
  std::this_thread::sleep_for(idle.hold);
  if (idle.messages == exchanges::never) return report;
  if (auto answered = members->exchange_once(); !answered) return std::unexpected(answered.error());
  if (auto seen = plan.reached(stage::exchanged); !seen) return std::unexpected(seen.error());
  return report;
}

}  // namespace cede::measure::load
