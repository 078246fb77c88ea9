#include "measure/load/churn_run.hpp"

#include "measure/load/lead.hpp"

namespace cede::measure::load {
namespace {

// The time that the connections took, without their end.
outcome<std::chrono::nanoseconds> storm(lead& leader, const target_plan& plan, std::uint32_t round,
                                        closing style) {
  const auto began = monotonic_now();
  const auto opened =
      leader.open(0, plan.connections, greeting::exchanged, round * plan.connections);
  if (!opened) return std::unexpected(opened.error());
  if (leader.stopped()) return std::chrono::nanoseconds{};
  if (auto closed = leader.close(style); !closed) return std::unexpected(closed.error());
  return monotonic_now() - began;
}

outcome<> weigh(const lead& leader, churn_report& report) {
  if (!leader.probe()) return {};
  auto sample = leader.probe()->memory();
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

double churn_report::connections_per_second() const noexcept {
  const double seconds = std::chrono::duration<double>(duration).count();
  return seconds > 0 ? static_cast<double>(connections) / seconds : 0;
}

outcome<churn_report> run_churn(const target_plan& plan, const churn_plan& churn,
                                const watch& onlooker) {
  lead leader(plan, onlooker);
  leader.plan_ahead(churn.settle * churn.rounds);
  if (auto started = leader.start(0, {}); !started) return std::unexpected(started.error());
  churn_report report{.processes = leader.parts()};
  if (auto weighed = weigh(leader, report); !weighed) return std::unexpected(weighed.error());
  while (report.rounds < churn.rounds && !leader.stopped()) {
    leader.report_storms(report.rounds, churn.rounds);
    const auto time = storm(leader, plan, report.rounds, churn.style);
    if (!time) return std::unexpected(time.error());
    if (leader.stopped()) break;
    ++report.rounds;
    report.duration += *time;
    report.connections += plan.connections;
    leader.report_storms(report.rounds, churn.rounds);
    if (auto rested = leader.rest(phase::settling, churn.settle); !rested)
      return std::unexpected(rested.error());
    if (auto weighed = weigh(leader, report); !weighed) return std::unexpected(weighed.error());
  }
  report.partial = report.rounds < churn.rounds;
  return report;
}

}  // namespace cede::measure::load
