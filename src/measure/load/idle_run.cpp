#include "measure/load/idle_run.hpp"

#include <thread>

namespace cede::measure::load {

outcome<idle_report> open_and_weigh(crowd& members, const target_plan& plan, greeting first,
                                    std::chrono::nanoseconds settle) {
  std::optional<server_probe> probe;
  memory_growth growth;
  if (plan.server_pid != 0) {
    auto attached = server_probe::attach(plan.server_pid);
    if (!attached) return std::unexpected(attached.error());
    probe = *attached;
  }
  const auto began = std::chrono::steady_clock::now();
  if (auto opened = members.open(1, first); !opened) return std::unexpected(opened.error());
  if (probe) {
    auto before = probe->memory();
    if (!before) return std::unexpected(before.error());
    growth.before = *before;
  }
  growth.connections = plan.connections - 1;
  if (auto opened = members.open(growth.connections, first); !opened)
    return std::unexpected(opened.error());
  idle_report report;
  report.connections = plan.connections;
  report.opening = std::chrono::steady_clock::now() - began;
  if (!probe) return report;

  std::this_thread::sleep_for(settle);
  auto after = probe->memory();
  if (!after) return std::unexpected(after.error());
  growth.after = *after;
  report.memory = growth;
  return report;
}

outcome<idle_report> run_idle(const target_plan& plan, const idle_plan& idle) {
  auto members = crowd::create(plan, 0);
  if (!members) return std::unexpected(members.error());
  auto report = open_and_weigh(*members, plan, idle.first, idle.settle);
  if (!report) return report;
  std::this_thread::sleep_for(idle.hold);
  if (idle.first == greeting::omitted) return report;
  if (auto answered = members->exchange_once(); !answered) return std::unexpected(answered.error());
  return report;
}

}  // namespace cede::measure::load
