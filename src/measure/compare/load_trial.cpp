#include "measure/compare/load_trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/process_sample.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using json = nlohmann::json;
using std::chrono::milliseconds;

// What is counted while nothing is under way; the difference of two belongs to the messages
// between. Reading it of ten thousand threads takes as long as a turn, so it is not read for each.
struct counts {
  kernel_switches kernel;
  std::optional<std::uint64_t> fiber;
};

outcome<counts> count(server& running, const contestant& who) {
  if (auto settled = running.settle(); !settled) return std::unexpected(settled.error());
  counts result;
  if (who.tells_counts) {
    const auto counted = running.counts();
    if (!counted) return std::unexpected(counted.error());
    result.fiber = counted->fiber_switches;
  }
  const auto kernel = switches_of_process(running.id());
  if (!kernel) return std::unexpected(kernel.error());
  result.kernel = *kernel;
  return result;
}

std::string words_of(milliseconds lead_in, milliseconds duration) {
  return fmt::format("--warm-up {}ms --duration {}ms", lead_in.count(), duration.count());
}

// A server and its client, with their connections open.
class seat {
 public:
  static outcome<seat> take(const contestant& who, std::uint64_t connections, const ground& where);

  outcome<> begin();
  outcome<turn> closed_turn(const load_shape& shape);
  outcome<> paced_turn(const load_shape& shape);
  outcome<load_trial> conclude(std::vector<turn> turns);
  /// What its paced turns tell together.
  paced_sample paced(double wanted_rate) const;
  outcome<> end();

 private:
  seat(const contestant& who, server running, client by)
      : who_(&who), running_(std::move(running)), by_(std::move(by)) {}

  const contestant* who_;
  server running_;
  client by_;
  counts before_ = {};
  double opening_us_ = 0;  // a connection
  double messages_ = 0;    // of the closed loop
  std::vector<turn> paced_ = {};
};

outcome<seat> seat::take(const contestant& who, std::uint64_t connections, const ground& where) {
  auto running = server::start(who, where.server_cpus, std::nullopt, where.stop);
  if (!running) return std::unexpected(running.error());
  auto by =
      client::start(where.program,
                    {"echo", "--turns", "--settle", "0ms", "--port",
                     fmt::to_string(running->port()), "--connections", fmt::to_string(connections)},
                    where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  for (const std::string_view stage : {"first-opened", "opened"})
    if (auto passed = by->pass(stage); !passed) return std::unexpected(passed.error());
  return seat(who, std::move(*running), std::move(*by));
}

outcome<> seat::begin() {
  const auto counted = count(running_, *who_);
  if (!counted) return std::unexpected(counted.error());
  before_ = *counted;
  return {};
}

outcome<turn> seat::closed_turn(const load_shape& shape) {
  const auto before = running_.cpu_time_at_rest();
  if (!before) return std::unexpected(before.error());
  const auto report = by_.take_turn(words_of(shape.lead_in, shape.duration));
  if (!report) return std::unexpected(report.error());
  const auto after = running_.cpu_time_at_rest();
  if (!after) return std::unexpected(after.error());
  const auto opening = number_in(*report, "opening_seconds");
  const auto connections = number_in(*report, "connections");
  if (!opening || !connections) return std::unexpected((opening ? connections : opening).error());
  opening_us_ = *opening * 1e6 / *connections;
  auto made = turn_from(*report, *after - *before);
  if (made) messages_ += made->messages;
  return made;
}

outcome<> seat::paced_turn(const load_shape& shape) {
  const auto report = by_.take_turn(fmt::format(
      "{} --rate {:.0f}/s", words_of(shape.paced_lead_in, shape.paced_duration), shape.rate));
  if (!report) return std::unexpected(report.error());
  const auto rate = number_in(*report, "messages_per_second");
  if (!rate) return std::unexpected(rate.error());
  auto latencies = latencies_in(*report);
  if (!latencies) return std::unexpected(latencies.error());
  paced_.push_back({.messages_per_second = *rate, .latencies = std::move(*latencies)});
  return {};
}

double each(std::uint64_t before, std::uint64_t after, double messages) {
  return static_cast<double>(after - before) / messages;
}

outcome<load_trial> seat::conclude(std::vector<turn> turns) {
  const auto after = count(running_, *who_);
  if (!after) return std::unexpected(after.error());
  load_trial made;
  made.closed.open_time = opening_us_;
  made.closed.latency = latency_of(turns);
  made.closed.turns = std::move(turns);
  const kernel_switches& was = before_.kernel;
  made.closed.voluntary_switches = each(was.voluntary, after->kernel.voluntary, messages_);
  made.closed.involuntary_switches = each(was.involuntary, after->kernel.involuntary, messages_);
  if (before_.fiber && after->fiber)
    made.closed.fiber_switches = each(*before_.fiber, *after->fiber, messages_);
  return made;
}

paced_sample seat::paced(double wanted_rate) const {
  return {.wanted_rate = wanted_rate,
          .achieved_rate = median_of(undisturbed(paced_, &turn::messages_per_second)),
          .latency = latency_of(paced_)};
}

outcome<> seat::end() {
  if (auto ended = by_.end_turns(); !ended) return ended;
  return running_.end();
}

// --- all of them -------------------------------------------------------------------------------

class sitting {
 public:
  sitting(const std::vector<const contestant*>& group, const load_shape& shape, const ground& where)
      : group_(group), shape_(shape), where_(where) {}

  outcome<std::vector<load_trial>> run();

 private:
  std::unexpected<failure> because_of(std::size_t which, const failure& why) const;
  // One after the other, in the same order each time.
  template <class Step>
  outcome<> each(Step step) {
    for (std::size_t at = 0; at < seats_.size(); ++at)
      if (auto done = step(at); !done) return because_of(at, done.error());
    return {};
  }
  outcome<> open();
  outcome<> closed_round();
  outcome<> conclude();
  outcome<> pace();

  const std::vector<const contestant*>& group_;
  const load_shape& shape_;
  const ground& where_;
  std::vector<seat> seats_;
  std::vector<std::vector<turn>> turns_;
  std::vector<load_trial> made_;
};

std::unexpected<failure> sitting::because_of(std::size_t which, const failure& why) const {
  if (why.why == cause::interrupted) return std::unexpected(why);
  return fail(fmt::format("{}, load on {} connections: {}", group_[which]->name, shape_.connections,
                          why.line));
}

outcome<> sitting::open() {
  turns_.resize(group_.size());
  for (std::size_t at = 0; at < group_.size(); ++at) {
    auto taken = seat::take(*group_[at], shape_.connections, where_);
    if (!taken) return because_of(at, taken.error());
    seats_.push_back(std::move(*taken));
  }
  return {};
}

outcome<> sitting::closed_round() {
  return each([this](std::size_t at) -> outcome<> {
    auto taken = seats_[at].closed_turn(shape_);
    if (!taken) return std::unexpected(taken.error());
    turns_[at].push_back(std::move(*taken));
    return {};
  });
}

outcome<> sitting::conclude() {
  for (std::vector<turn>& turns : turns_) mark_disturbed(turns);
  for (std::vector<turn>& turns : turns_) relate(turns, turns_.front());
  return each([this](std::size_t at) -> outcome<> {
    auto concluded = seats_[at].conclude(std::move(turns_[at]));
    if (!concluded) return std::unexpected(concluded.error());
    made_.push_back(std::move(*concluded));
    return {};
  });
}

outcome<> sitting::pace() {
  for (unsigned round = 0; round < shape_.paced_turns; ++round)
    if (auto paced = each([this](std::size_t at) { return seats_[at].paced_turn(shape_); }); !paced)
      return paced;
  for (std::size_t at = 0; at < seats_.size(); ++at)
    made_[at].paced = seats_[at].paced(shape_.rate);
  return {};
}

outcome<std::vector<load_trial>> sitting::run() {
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  if (auto begun = each([this](std::size_t at) { return seats_[at].begin(); }); !begun)
    return std::unexpected(begun.error());
  for (unsigned round = 0; round < shape_.turns; ++round)
    if (auto taken = closed_round(); !taken) return std::unexpected(taken.error());
  if (auto concluded = conclude(); !concluded) return std::unexpected(concluded.error());
  if (shape_.rate > 0)
    if (auto paced = pace(); !paced) return std::unexpected(paced.error());
  if (auto ended = each([this](std::size_t at) { return seats_[at].end(); }); !ended)
    return std::unexpected(ended.error());
  return std::move(made_);
}

}  // namespace

outcome<std::vector<load_trial>> measure_load(const std::vector<const contestant*>& group,
                                              const load_shape& shape, const ground& where) {
  return sitting(group, shape, where).run();
}

}  // namespace cede::measure::compare
