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

// One for each contestant.
void add_round(std::vector<trial>& trials, std::size_t contestants, trial like) {
  for (std::size_t turn = 0; turn < contestants; ++turn) {
    like.contestant = (turn + like.round) % contestants;
    trials.push_back(like);
  }
}

// One for each length of a slice, from another one on in each round.
void add_slices(std::vector<trial>& trials, const effort& how, unsigned round,
                std::size_t contestant) {
  for (std::size_t turn = 0; turn < how.slices.size(); ++turn)
    trials.push_back({.what = experiment::slices,
                      .contestant = contestant,
                      .round = round,
                      .slice = how.slices[(turn + round) % how.slices.size()]});
}

// Of one of those that take turns.
double expected_seconds_of_one(const load_shape& shape) {
  constexpr double to_rest = 0.005;
  const auto connections = static_cast<double>(shape.connections);
  const double closed = in_seconds(shape.lead_in + shape.duration) + connections * 8e-6 + to_rest;
  const double paced = in_seconds(shape.paced_lead_in + shape.paced_duration) + to_rest;
  return 0.1 + connections * 70e-6 + closed * shape.turns + paced * shape.paced_turns;
}

}  // namespace

effort make_effort(std::vector<std::uint64_t> connections, double seconds, unsigned rounds) {
  effort how{.connections = std::move(connections),
             .rounds = rounds,
             .duration = part_of(seconds, 1),
             .rate = moderate_rate};
  how.churn = {.connections = 500,
               .storms = std::clamp(static_cast<unsigned>(seconds * 8), 3U, 100U)};
  how.hog_rounds = rounds;
  how.hogs = {.warm_up = part_of(seconds, 0.15),
              .before = part_of(seconds, 0.35),
              .during = std::max(part_of(seconds, 0.6), milliseconds(100))};
  // A slice of 10 ms, and what whoever watches needs to see that it is over.
  how.settle_each = milliseconds(15);
  how.during_each = part_of(seconds, 0.15);
  for (const int slice : {500, 1000, 2000, 5000, 10'000, 50'000}) how.slices.emplace_back(slice);
  how.slice = {.warm_up = part_of(seconds, 0.05),
               .during = std::max(part_of(seconds, 0.6), milliseconds(100))};
  return how;
}

load_shape shape_of(const effort& how, std::uint64_t connections) {
  load_shape shape{.connections = connections, .rate = how.rate};
  // Each connection has had an answer then, also from servers that take 20 us for one.
  const auto first_messages = std::chrono::microseconds(20) * connections;
  shape.lead_in = milliseconds(20) + std::chrono::ceil<milliseconds>(first_messages);
  shape.duration = std::min(how.duration, milliseconds(120));
  const milliseconds turn = shape.lead_in + shape.duration;
  const auto turns = static_cast<unsigned>(3 * how.duration / turn);
  shape.turns = std::max(turns, 2U);
  shape.paced_turns = 2;
  shape.paced_lead_in = std::min(how.duration, milliseconds(50));
  shape.paced_duration = std::max(how.duration / 3, milliseconds(20));
  return shape;
}

hog_shape hogs_of(const effort& how, unsigned hogs) {
  hog_shape shape = how.hogs;
  shape.hogs = hogs;
  shape.settle = how.settle_each * hogs;
  shape.during = std::max(shape.during, how.during_each * hogs);
  shape.during = std::max(shape.during, shape.settle + milliseconds(100));
  return shape;
}

slice_shape slice_of(const effort& how, std::chrono::microseconds slice) {
  slice_shape shape = how.slice;
  shape.slice = slice;
  // What waited at the beginning must have been answered: those that compute hold it up for a slice
  // each, and more where the end of a slice is seen late.
  shape.settle = std::chrono::ceil<milliseconds>(slice * shape.computing * 5 / 2);
  shape.during += shape.settle;
  return shape;
}

std::vector<trial> plan_trials(const effort& how, std::size_t contestants,
                               const std::vector<std::size_t>& preempted) {
  std::vector<trial> trials;
  for (unsigned round = 0; round < how.rounds; ++round) {
    for (const std::uint64_t connections : how.connections) {
      const auto at = [&](experiment what) {
        return trial{.what = what, .connections = connections, .round = round};
      };
      add_round(trials, contestants, at(experiment::memory));
      trial load = at(experiment::load);
      load.together = contestants;
      if (contestants > 0) trials.push_back(load);
    }
    if (round < how.hog_rounds) {
      for (const unsigned hogs : how.hog_counts)
        add_round(trials, contestants, {.what = experiment::hogs, .round = round, .hogs = hogs});
      for (const std::size_t one : preempted) add_slices(trials, how, round, one);
    }
    add_round(trials, contestants, {.what = experiment::churn, .round = round});
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
      return static_cast<double>(what.together) *
             expected_seconds_of_one(shape_of(how, what.connections));
    case experiment::hogs:
      return start_and_end +
             in_seconds(how.hogs.warm_up + how.hogs.before + hogs_of(how, what.hogs).during);
    case experiment::slices:
      return start_and_end + in_seconds(how.slice.warm_up + slice_of(how, what.slice).during);
    case experiment::churn:
      break;
  }
  return start_and_end + static_cast<double>(how.churn.connections) * how.churn.storms * 100e-6;
}

}  // namespace cede::measure::compare
