#include "measure/load/churn_run.hpp"

#include <optional>
#include <thread>

namespace cede::measure::load {
namespace {

outcome<> storm(const target_plan& plan, std::uint32_t round, closing style) {
  auto members = crowd::create(plan, round * plan.connections);
  if (!members) return std::unexpected(members.error());
  if (auto opened = members->open(plan.connections, greeting::exchanged); !opened) return opened;
  members->close_all(style);
  return {};
}

outcome<> weigh(const std::optional<server_probe>& probe, churn_report& report) {
  if (!probe) return {};
  auto sample = probe->memory();
  if (!sample) return std::unexpected(sample.error());
  report.memory.push_back(*sample);
  return {};
}

}  // namespace

double churn_report::growth_percent() const noexcept {
  if (memory.size() < 3) return 0;
  const auto first = static_cast<double>(memory[1].resident);
  return 100 * (static_cast<double>(memory.back().resident) - first) / first;
}

outcome<churn_report> run_churn(const target_plan& plan, const churn_plan& churn) {
  std::optional<server_probe> probe;
  if (plan.server_pid != 0) {
    auto attached = server_probe::attach(plan.server_pid);
    if (!attached) return std::unexpected(attached.error());
    probe = *attached;
  }
  churn_report report;
  if (auto weighed = weigh(probe, report); !weighed) return std::unexpected(weighed.error());
  for (; report.rounds < churn.rounds; ++report.rounds) {
    const auto began = std::chrono::steady_clock::now();
    if (auto passed = storm(plan, report.rounds, churn.style); !passed)
      return std::unexpected(passed.error());
    report.duration += std::chrono::steady_clock::now() - began;
    report.connections += plan.connections;
    std::this_thread::sleep_for(churn.settle);
    if (auto weighed = weigh(probe, report); !weighed) return std::unexpected(weighed.error());
  }
  return report;
}

}  // namespace cede::measure::load
