#include "measure/compare/turns.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "measure/compare/client.hpp"

namespace cede::measure::compare {
namespace {

using json = nlohmann::json;

// The least edge that at least this part of the values does not exceed.
double quantile(const std::map<double, double>& counts, double all, double part) {
  double seen = 0;
  for (const auto& [edge, count] : counts) {
    seen += count;
    if (seen >= part * all) return edge;
  }
  return counts.empty() ? 0 : counts.rbegin()->first;
}

}  // namespace

outcome<std::map<double, double>> latencies_in(const json& report) {
  std::map<double, double> found;
  const auto buckets = report.find("latency_us_buckets");
  if (buckets == report.end() || !buckets->is_array())
    return fail("the client's report lacks latency_us_buckets");
  for (const json& bucket : *buckets)
    found[bucket.at(0).get<double>()] += bucket.at(1).get<double>();
  return found;
}

outcome<turn> turn_from(const json& report, std::chrono::nanoseconds server_cpu) {
  double seconds = 0;
  double window_rate = 0;
  double client_cpu = 0;
  turn made;
  const std::pair<const char*, double*> wanted[] = {{"messages_in_all", &made.messages},
                                                    {"seconds_in_all", &seconds},
                                                    {"messages_per_second", &window_rate},
                                                    {"client_cpu_us_per_message", &client_cpu}};
  for (const auto& [name, into] : wanted) {
    const auto number = number_in(report, name);
    if (!number) return std::unexpected(number.error());
    *into = *number;
  }
  if (made.messages < 1 || seconds <= 0) return fail("the client exchanged no message");
  auto latencies = latencies_in(report);
  if (!latencies) return std::unexpected(latencies.error());
  made.latencies = std::move(*latencies);
  made.messages_per_second = made.messages / seconds;
  made.server_cpu = std::chrono::duration<double, std::micro>(server_cpu).count() / made.messages;
  made.server_busy = made.server_cpu * made.messages_per_second / 1e6;
  made.client_busy = client_cpu * window_rate / 1e6;
  return made;
}

void mark_disturbed(std::vector<turn>& turns) {
  constexpr double for_itself = 0.9;
  for (turn& one : turns) one.disturbed = std::max(one.server_busy, one.client_busy) < for_itself;
  const auto many = std::ranges::count(turns, true, &turn::disturbed);
  if (2 * static_cast<std::size_t>(many) < turns.size()) return;
  for (turn& one : turns) one.disturbed = false;
}

void relate(std::vector<turn>& turns, const std::vector<turn>& to) {
  for (std::size_t at = 0; at < std::min(turns.size(), to.size()); ++at) {
    if (turns[at].disturbed || to[at].disturbed) continue;
    turns[at].rate_ratio = turns[at].messages_per_second / to[at].messages_per_second;
    if (to[at].server_cpu > 0) turns[at].cpu_ratio = turns[at].server_cpu / to[at].server_cpu;
  }
}

latency_sample latency_of(const std::vector<turn>& turns) {
  std::map<double, double> all;
  double count = 0;
  for (const turn& one : turns)
    for (const auto& [edge, values] : one.latencies) {
      all[edge] += values;
      count += values;
    }
  return {quantile(all, count, 0.5), quantile(all, count, 0.99), quantile(all, count, 0.999)};
}

std::vector<double> undisturbed(const std::vector<turn>& turns, double turn::* which) {
  std::vector<double> values;
  for (const turn& one : turns)
    if (!one.disturbed) values.push_back(one.*which);
  return values;
}

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle]
                                : std::midpoint(values[middle - 1], values[middle]);
}

}  // namespace cede::measure::compare
