#include "measure/load/echo_run.hpp"

#include <algorithm>
#include <array>

#include "measure/load/lead.hpp"

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

// Until every part has heard of it, none begins.
constexpr nanoseconds head_start = std::chrono::milliseconds(10);

class measurement {
 public:
  measurement(lead& leader, const echo_plan& echo, echo_report& report)
      : leader_(leader), echo_(echo), report_(report) {}

  outcome<> run();

 private:
  outcome<> go_through_stages();
  outcome<> go_through_hogs();
  outcome<> sample_server(std::size_t boundary);
  window_report report_of(const loop_tally& tally, window which) const;
  void conclude(const loop_tally& tally);

  lead& leader_;
  const echo_plan& echo_;
  echo_report& report_;
  timetable when_;
  nanoseconds hogs_lasted_{};
  // At the beginning of each window and at the end of the last.
  std::array<std::optional<nanoseconds>, window_count + 1> server_cpu_;
};

outcome<> measurement::sample_server(std::size_t boundary) {
  if (!leader_.probe()) return {};
  const auto used = leader_.probe()->cpu_time();
  if (!used) return std::unexpected(used.error());
  server_cpu_[boundary] = *used;
  return {};
}

outcome<> measurement::go_through_stages() {
  if (auto waited = leader_.wait_until(phase::warming_up, when_.from); !waited) return waited;
  if (leader_.stopped()) return {};
  if (auto sampled = sample_server(0); !sampled) return sampled;
  leader_.plan_ahead(echo_.hogs > 0 ? echo_.duration : nanoseconds{});
  if (auto waited = leader_.wait_until(phase::measuring, when_.to); !waited) return waited;
  if (auto sampled = sample_server(1); !sampled) return sampled;
  if (echo_.hogs > 0 && !leader_.stopped()) return go_through_hogs();
  return {};
}

outcome<> measurement::go_through_hogs() {
  const auto hogs = leader_.wait_for_hogs();
  if (!hogs) return std::unexpected(hogs.error());
  if (auto sampled = sample_server(2); !sampled) return sampled;
  if (leader_.stopped()) return {};
  // Their first byte takes a moment to the server, and their reply one to us.
  hogs_lasted_ = hogs->ended - hogs->began;
  const nanoseconds edge = hogs_lasted_ / 20;
  when_.during_to = hogs->ended - edge;
  when_.during_from = std::min(hogs->began + std::max(edge, echo_.hog_settle), when_.during_to);
  when_.hogs_over = hogs->ended;
  when_.end = hogs->ended + echo_.recovery.value_or(echo_.duration);
  const auto told = leader_.tell_hogs_over({.at = when_.hogs_over,
                                            .end = when_.end,
                                            .during_from = when_.during_from,
                                            .during_to = when_.during_to});
  if (!told) return told;
  leader_.plan_ahead({});
  if (auto waited = leader_.wait_until(phase::recovering, when_.end); !waited) return waited;
  return sample_server(3);
}

window_report measurement::report_of(const loop_tally& tally, window which) const {
  const auto index = static_cast<std::size_t>(which);
  const bool whole = when_.hogs_over != timetable::never;
  const std::array begins{when_.from, whole ? when_.during_from : when_.to, when_.hogs_over};
  const std::array ends{when_.to, when_.during_to, when_.end};
  const nanoseconds end = std::min(ends[index], tally.ended);
  window_report report{.duration = std::max(end - begins[index], nanoseconds{}),
                       .counted = tally.at(which),
                       .server_cpu = {}};
  if (server_cpu_[index] && server_cpu_[index + 1])
    report.server_cpu = *server_cpu_[index + 1] - *server_cpu_[index];
  return report;
}

void measurement::conclude(const loop_tally& tally) {
  report_.lateness = tally.lateness;
  report_.messages_in_all = tally.messages_in_all;
  report_.lasted = tally.lasted;
  report_.partial = leader_.stopped();
  report_.measured = report_of(tally, window::before);
  if (echo_.hogs > 0)
    report_.hogged = {.hogs = echo_.hogs,
                      .lasted = hogs_lasted_,
                      .during = report_of(tally, window::during),
                      .after = report_of(tally, window::after)};
}

outcome<> measurement::run() {
  when_.begin = monotonic_now() + head_start;
  when_.from = when_.begin + echo_.warm_up;
  when_.to = when_.from + echo_.duration;
  when_.hogs = echo_.hogs > 0;
  if (!when_.hogs) when_.end = when_.to;
  leader_.plan_ahead(echo_.duration * (when_.hogs ? 2 : 1));
  if (auto begun = leader_.begin_measuring(when_, echo_.rate); !begun) return begun;
  if (auto passed = go_through_stages(); !passed) return passed;
  const auto tally = leader_.end_measuring();
  if (!tally) return std::unexpected(tally.error());
  conclude(*tally);
  return {};
}

}  // namespace

double window_report::messages_per_second() const noexcept {
  const double seconds = std::chrono::duration<double>(duration).count();
  return seconds > 0 ? static_cast<double>(counted.messages) / seconds : 0;
}

reply_spread window_report::replies() const noexcept {
  reply_spread spread;
  const auto& groups = counted.connections_by_replies;
  if (groups.empty()) return spread;
  for (const auto& [replies, connections] : groups) {
    spread.connections += connections;
    if (replies > 0) spread.served += connections;
  }
  spread.least = groups.begin()->first;
  spread.most = groups.rbegin()->first;
  std::uint32_t seen = 0;
  for (const auto& [replies, connections] : groups) {
    seen += connections;
    spread.median = replies;
    if (seen * 2 >= spread.connections) break;
  }
  return spread;
}

namespace {

nanoseconds planned(const echo_plan& echo) noexcept {
  return echo.warm_up + echo.duration * (echo.hogs > 0 ? 2 : 1);
}

outcome<idle_report> open_all(lead& leader, const target_plan& plan, const echo_plan& echo) {
  leader.plan_ahead(echo.settle + planned(echo));
  if (auto started = leader.start(echo.hogs, echo.hog_limit); !started)
    return std::unexpected(started.error());
  return open_and_weigh(leader, plan, greeting::exchanged, {.settle = echo.settle});
}

outcome<echo_report> measure_once(lead& leader, const echo_plan& echo, const idle_report& opened) {
  echo_report report{.opened = opened,
                     .rate = echo.rate,
                     .measured = {},
                     .hogged = {},
                     .lateness = {},
                     .partial = opened.partial};
  if (report.partial) return report;
  if (auto measured = measurement(leader, echo, report).run(); !measured)
    return std::unexpected(measured.error());
  return report;
}

}  // namespace

outcome<echo_report> run_echo(const target_plan& plan, const echo_plan& echo,
                              const watch& onlooker) {
  lead leader(plan, onlooker);
  const auto opened = open_all(leader, plan, echo);
  if (!opened) return std::unexpected(opened.error());
  auto report = measure_once(leader, echo, *opened);
  if (!report || opened->partial) return report;
  if (auto seen = plan.reached(stage::measured); !seen) return std::unexpected(seen.error());
  return report;
}

outcome<idle_report> run_turns(const target_plan& plan, const echo_plan& echo,
                               const turn_master& turns, const watch& onlooker) {
  lead leader(plan, onlooker);
  auto opened = open_all(leader, plan, echo);
  while (opened && !opened->partial) {
    const auto turn = turns.next();
    if (!turn) return std::unexpected(turn.error());
    if (!*turn) break;
    leader.plan_ahead(planned(**turn));
    const auto report = measure_once(leader, **turn, *opened);
    if (!report) return std::unexpected(report.error());
    if (auto done = turns.done(*report); !done) return std::unexpected(done.error());
    opened->partial = report->partial;
  }
  return opened;
}

}  // namespace cede::measure::load
