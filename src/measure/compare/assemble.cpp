#include "measure/compare/assemble.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace cede::measure::compare {
namespace {

using report::figure;
using report::missing;
using report::summarize;

template <class Sample, class Member>
figure figure_of(const std::vector<Sample>& samples, Member member, std::string_view unit) {
  std::vector<double> values;
  for (const Sample& one : samples) values.push_back(std::invoke(member, one));
  if (values.empty()) return missing("not measured", unit);
  return summarize(std::move(values), unit);
}

report::memory_by_owner memory_of(const std::vector<owner_bytes>& samples) {
  return {.user = figure_of(samples, &owner_bytes::user, "B"),
          .page_tables = figure_of(samples, &owner_bytes::page_tables, "B"),
          .kernel_stack = figure_of(samples, &owner_bytes::kernel_stack, "B"),
          .slab = figure_of(samples, &owner_bytes::slab, "B"),
          .socket = figure_of(samples, &owner_bytes::socket, "B"),
          .total = figure_of(samples, &owner_bytes::total, "B")};
}

report::memory_by_owner no_memory(const std::string& why) {
  const figure none = missing(why, "B");
  return {none, none, none, none, none, none};
}

figure fiber_switches_of(const std::vector<load_sample>& samples) {
  constexpr std::string_view unit = "switches/message";
  std::vector<double> values;
  for (const load_sample& one : samples)
    if (one.fiber_switches) values.push_back(*one.fiber_switches);
  if (values.empty()) return missing("this server does not count them", unit);
  return summarize(std::move(values), unit);
}

// An open loop that the server does not keep up with measures how long it lasted, and nothing else.
bool keeps_up(const paced_sample& sample) {
  return sample.achieved_rate >= 0.95 * sample.wanted_rate;
}

void add_paced(report::load_point& point, const std::vector<paced_sample>& samples) {
  point.paced_rate = figure_of(samples, &paced_sample::achieved_rate, "messages/s");
  if (!std::ranges::all_of(samples, keeps_up)) {
    const figure none = missing(fmt::format("it does not keep up with {:.0f} messages a second",
                                            samples.front().wanted_rate),
                                "us");
    point.paced_p50 = point.paced_p99 = point.paced_p999 = none;
    return;
  }
  const auto latency = [&samples](double latency_sample::* which) {
    return figure_of(
        samples, [which](const paced_sample& one) { return one.latency.*which; }, "us");
  };
  point.paced_p50 = latency(&latency_sample::p50);
  point.paced_p99 = latency(&latency_sample::p99);
  point.paced_p999 = latency(&latency_sample::p999);
}

// Samples are the medians of the rounds; the median is that of all turns.
figure figure_of_turns(const std::vector<std::vector<double>>& rounds, std::string_view unit,
                       std::string_view why_not) {
  std::vector<double> medians;
  std::vector<double> all;
  for (const std::vector<double>& values : rounds) {
    if (values.empty()) continue;
    medians.push_back(median_of(values));
    all.insert(all.end(), values.begin(), values.end());
  }
  if (all.empty()) return missing(std::string(why_not), unit);
  figure made = summarize(std::move(medians), unit);
  if (made.available()) made.median = median_of(std::move(all));
  return made;
}

figure figure_of_turns(const std::vector<load_sample>& samples, double turn::* which,
                       std::string_view unit) {
  std::vector<std::vector<double>> rounds;
  for (const load_sample& one : samples) rounds.push_back(undisturbed(one.turns, which));
  return figure_of_turns(rounds, unit, "not measured");
}

figure ratio_of_turns(const std::vector<load_sample>& samples,
                      std::optional<double> turn::* which) {
  std::vector<std::vector<double>> rounds(samples.size());
  for (std::size_t round = 0; round < samples.size(); ++round)
    for (const turn& one : samples[round].turns)
      if (one.*which) rounds[round].push_back(*(one.*which));
  return figure_of_turns(rounds, "times", "not measured beside the first");
}

void add_turns(report::load_point& point, const std::vector<load_sample>& samples) {
  point.messages_per_second = figure_of_turns(samples, &turn::messages_per_second, "messages/s");
  point.server_cpu = figure_of_turns(samples, &turn::server_cpu, "us");
  point.rate_ratio = ratio_of_turns(samples, &turn::rate_ratio);
  point.cpu_ratio = ratio_of_turns(samples, &turn::cpu_ratio);
  for (unsigned round = 0; round < samples.size(); ++round)
    for (const turn& one : samples[round].turns)
      point.turns.push_back({round, one.messages_per_second, one.server_cpu, one.disturbed});
}

void add_closed(report::load_point& point, const std::vector<load_sample>& samples) {
  const auto latency = [&samples](double latency_sample::* which) {
    return figure_of(samples, [which](const load_sample& one) { return one.latency.*which; }, "us");
  };
  point.open_time = figure_of(samples, &load_sample::open_time, "us");
  add_turns(point, samples);
  point.latency_p50 = latency(&latency_sample::p50);
  point.latency_p99 = latency(&latency_sample::p99);
  point.latency_p999 = latency(&latency_sample::p999);
  point.voluntary_switches =
      figure_of(samples, &load_sample::voluntary_switches, "switches/message");
  point.involuntary_switches =
      figure_of(samples, &load_sample::involuntary_switches, "switches/message");
  point.user_switches = fiber_switches_of(samples);
}

report::load_point point_of(std::uint64_t connections, const point_samples& samples) {
  report::load_point point{.connections = connections};
  if (connections < 2) {
    point.idle = point.after_messages = no_memory("a growth needs 2 connections or more");
  } else {
    point.idle = memory_of(samples.idle);
    point.after_messages = memory_of(samples.after_messages);
  }
  add_closed(point, samples.closed);
  add_paced(point, samples.paced);
  return point;
}

// Every figure says why it is not there.
report::load_point absent_point(std::uint64_t connections, const std::string& why) {
  report::load_point point{
      .connections = connections, .idle = no_memory(why), .after_messages = no_memory(why)};
  for (figure* const one :
       {&point.open_time, &point.messages_per_second, &point.latency_p50, &point.latency_p99,
        &point.latency_p999, &point.server_cpu, &point.voluntary_switches,
        &point.involuntary_switches, &point.user_switches, &point.rate_ratio, &point.cpu_ratio,
        &point.paced_rate, &point.paced_p50, &point.paced_p99, &point.paced_p999})
    *one = missing(why);
  return point;
}

report::hog_outcome hog_outcome_of(const std::vector<hog_sample>& samples, const hog_shape& shape) {
  const auto percent = [&samples](auto read) {
    return figure_of(
        samples, [read](const hog_sample& one) { return 100 * std::invoke(read, one); }, "%");
  };
  report::hog_outcome outcome{.hogs = shape.hogs, .others = shape.others};
  outcome.kept = percent(&hog_sample::kept);
  outcome.hog_share = percent(&hog_sample::hog_share);
  outcome.messages_before = figure_of(samples, &hog_sample::messages_before, "messages/s");
  outcome.messages_during = figure_of(samples, &hog_sample::messages_during, "messages/s");
  outcome.p99_before = figure_of(samples, &hog_sample::p99_before, "us");
  outcome.starved = figure_of(samples, &hog_sample::starved, "connections");
  outcome.p99_during = figure_of(samples, &hog_sample::p99_during, "us");
  return outcome;
}

report::slice_point slice_point_of(std::chrono::microseconds slice,
                                   const std::vector<slice_sample>& samples) {
  return {
      .slice = static_cast<double>(slice.count()),
      .work_per_second = figure_of(samples, &slice_sample::units, "units/s"),
      .latency_p50 = figure_of(samples, &slice_sample::p50, "us"),
      .latency_p99 = figure_of(samples, &slice_sample::p99, "us"),
      .preemptions_per_second = figure_of(samples, &slice_sample::preemptions, "preemptions/s")};
}

std::optional<report::warning> warning_about_turns(const contestant& who, std::uint64_t connections,
                                                   const std::vector<load_sample>& samples) {
  constexpr double many = 0.2;
  std::size_t turns = 0;
  std::size_t disturbed = 0;
  for (const load_sample& one : samples) {
    turns += one.turns.size();
    disturbed += static_cast<std::size_t>(std::ranges::count(one.turns, true, &turn::disturbed));
  }
  if (static_cast<double>(disturbed) <= many * static_cast<double>(turns)) return std::nullopt;
  return report::warning{
      "machine", fmt::format("in {} of {} turns of '{}' with {} connections others had the CPU: "
                             "they do not count",
                             disturbed, turns, who.name, connections)};
}

}  // namespace

report::subject subject_of(const findings& found, const effort& how) {
  report::subject subject{.name = found.who.name,
                          .title = found.who.title,
                          .is = found.who.is,
                          .version = found.who.version,
                          .missing_because = found.missing_because};
  if (found.missing_because) {
    subject.churn = missing(*found.missing_because);
    return subject;
  }
  for (const std::uint64_t connections : how.connections) {
    const auto absent = found.missing_at.find(connections);
    const auto there = found.samples.at.find(connections);
    if (absent != found.missing_at.end())
      subject.at.push_back(absent_point(connections, absent->second));
    else if (there != found.samples.at.end())
      subject.at.push_back(point_of(connections, there->second));
  }
  subject.churn = found.samples.churn.empty() ? missing("not measured", "connections/s")
                                              : summarize(found.samples.churn, "connections/s");
  for (const auto& [hogs, samples] : found.samples.hogs)
    subject.hogs.push_back(hog_outcome_of(samples, hogs_of(how, hogs)));
  for (const auto& [slice, samples] : found.samples.slices)
    subject.slices.push_back(slice_point_of(slice, samples));
  return subject;
}

std::vector<report::warning> warnings_about(const findings& found) {
  constexpr double saturated = 0.97;
  constexpr double with_time_to_spare = 0.9;
  std::vector<report::warning> warnings;
  for (const auto& [connections, samples] : found.samples.at) {
    const figure client = figure_of_turns(samples.closed, &turn::client_busy, "");
    const figure server = figure_of_turns(samples.closed, &turn::server_busy, "");
    if (client.available() && client.median > saturated && server.median < with_time_to_spare)
      warnings.push_back(
          {"client",
           fmt::format("with {} connections to '{}' the client used {:.0f} % of its CPU, "
                       "the server {:.0f} %: the server could do more",
                       connections, found.who.name, 100 * client.median, 100 * server.median)});
    if (const auto warning = warning_about_turns(found.who, connections, samples.closed))
      warnings.push_back(*warning);
    if (!std::ranges::all_of(samples.paced, keeps_up))
      warnings.push_back(
          {found.who.name, fmt::format("with {} connections it does not keep up with {:.0f} "
                                       "messages a second",
                                       connections, samples.paced.front().wanted_rate)});
  }
  for (const auto& [connections, why] : found.missing_at)
    warnings.push_back(
        {found.who.name, fmt::format("not measured with {} connections: {}", connections, why)});
  return warnings;
}

}  // namespace cede::measure::compare
