#include "measure/compare/plan.hpp"

#include <algorithm>

namespace cede::measure::compare {
namespace {

using std::chrono::milliseconds;

// Messages a second of the open loop: a small part of what any kind of server manages on one core
// of any machine of this decade, so that the latencies are those of a server with time to spare.
constexpr double moderate_rate = 10'000;

milliseconds part_of(double seconds, double part) {
  return milliseconds(static_cast<milliseconds::rep>(seconds * part * 1000));
}

double in_seconds(milliseconds time) { return std::chrono::duration<double>(time).count(); }

void add_round(std::vector<trial>& trials, unsigned round, std::size_t contestants, experiment what,
               std::uint64_t connections) {
  for (std::size_t turn = 0; turn < contestants; ++turn)
    trials.push_back({what, (turn + round) % contestants, connections, round});
}

}  // namespace

effort make_effort(std::vector<std::uint64_t> connections, double seconds, unsigned rounds) {
  const milliseconds warm_up = std::min(part_of(seconds, 0.3), milliseconds(500));
  effort how{.connections = std::move(connections),
             .rounds = rounds,
             .warm_up = warm_up,
             .duration = part_of(seconds, 1),
             .rate = moderate_rate};
  how.churn = {.connections = 500,
               .storms = std::clamp(static_cast<unsigned>(seconds * 8), 3U, 100U)};
  how.hogs = {.warm_up = warm_up,
              .before = part_of(seconds, 0.5),
              .during = std::max(part_of(seconds, 0.75), milliseconds(100))};
  return how;
}

load_shape shape_of(const effort& how, std::uint64_t connections) {
  return {connections, how.warm_up, how.duration, how.rate};
}

std::vector<trial> plan_trials(const effort& how, std::size_t contestants) {
  std::vector<trial> trials;
  for (unsigned round = 0; round < how.rounds; ++round) {
    for (const std::uint64_t connections : how.connections) {
      add_round(trials, round, contestants, experiment::memory, connections);
      add_round(trials, round, contestants, experiment::load, connections);
    }
    add_round(trials, round, contestants, experiment::hogs, 0);
    add_round(trials, round, contestants, experiment::churn, 0);
  }
  return trials;
}

double expected_seconds(const trial& what, const effort& how) {
  constexpr double start_and_end = 0.15;
  const auto connections = static_cast<double>(what.connections);
  switch (what.what) {
    case experiment::memory:
      return start_and_end + 0.4 + connections * 150e-6;
    case experiment::load:
      return start_and_end + 2 * (in_seconds(how.warm_up + how.duration) + 0.15) +
             connections * 200e-6;
    case experiment::hogs:
      return start_and_end + in_seconds(how.hogs.warm_up + 2 * how.hogs.before + how.hogs.during) +
             0.1;
    case experiment::churn:
      break;
  }
  return start_and_end + static_cast<double>(how.churn.connections) * how.churn.storms * 100e-6;
}

}  // namespace cede::measure::compare
