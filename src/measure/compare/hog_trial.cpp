#include "measure/compare/hog_trial.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/hogged_load.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using json = nlohmann::json;

// Connections whose message waited for about as long as the hogs ran. In a closed loop each has one
// message under way, so messages are connections. That they got no answer at all meanwhile would be
// harder to tell: the time between the hogs' first byte and their first turn counts too.
outcome<double> starved_in(const json& during, const hog_shape& shape) {
  constexpr double most_of_it = 0.8;
  const auto buckets = during.find("latency_us_buckets");
  if (buckets == during.end() || !buckets->is_array())
    return fail("the client's report lacks during/latency_us_buckets");
  const double long_us = most_of_it * 1000 * static_cast<double>(shape.during.count());
  double waited = 0;
  for (const json& bucket : *buckets)
    if (bucket.at(0).get<double>() >= long_us) waited += bucket.at(1).get<double>();
  return std::min<double>(waited, shape.others);
}

// What the CPU time of a server that does not count its hogs' was spent on besides messages, at the
// price that they had before.
outcome<double> unexplained_share(const json& report) {
  double cpu = 0;  // seconds
  double seconds = 0;
  double rate = 0;   // messages/s
  double price = 0;  // us a message
  if (auto read = read_numbers(report, {{"during/server_cpu_seconds", &cpu},
                                        {"hogs_seconds", &seconds},
                                        {"during/messages_per_second", &rate},
                                        {"server_cpu_us_per_message", &price}});
      !read)
    return std::unexpected(read.error());
  return seconds > 0 ? cpu / seconds - rate * price / 1e6 : 0;
}

outcome<double> share_of_hogs(server& running, const contestant& who, const json& report) {
  if (!who.tells_counts) return unexplained_share(report);
  const auto counted = running.counts();
  if (!counted) return std::unexpected(counted.error());
  const auto lasted = number_in(report, "hogs_seconds");
  if (!lasted) return lasted;
  const double ran = std::chrono::duration<double>(counted->hog_time).count();
  return *lasted > 0 ? ran / *lasted : 0;
}

outcome<hog_sample> sample_from(const json& report, const hog_shape& shape) {
  hog_sample sample;
  if (auto read = read_numbers(report, {{"messages_per_second", &sample.messages_before},
                                        {"latency_us/p99", &sample.p99_before},
                                        {"during/messages_per_second", &sample.messages_during},
                                        {"during/latency_us/p99", &sample.p99_during}});
      !read)
    return std::unexpected(read.error());
  const auto starved = starved_in(report.at("during"), shape);
  if (!starved) return std::unexpected(starved.error());
  sample.starved = *starved;
  return sample;
}

}  // namespace

bool one_after_another(const std::vector<hog_sample>& with_one, unsigned others) {
  return !with_one.empty() && with_one.back().starved > 0.9 * others;
}

outcome<hog_sample> measure_hogs(const contestant& who, const hog_shape& shape, bool in_turn,
                                 const ground& where) {
  const hogging how{hog_byte, shape.each(in_turn)};
  auto running = server::start(who, where.server_cpus, how, where.stop);
  if (!running) return std::unexpected(running.error());
  const auto report = run_beside_hogs(*running,
                                      {.hogs = shape.hogs,
                                       .others = shape.others,
                                       .warm_up = shape.warm_up,
                                       .before = shape.before,
                                       .settle = shape.settle},
                                      where);
  if (!report) return std::unexpected(report.error());
  auto sample = sample_from(*report, shape);
  if (!sample) return sample;
  const auto share = share_of_hogs(*running, who, *report);
  if (!share) return std::unexpected(share.error());
  sample->hog_share = std::clamp(*share, 0.0, 1.0);
  if (auto ended = running->end(); !ended) return std::unexpected(ended.error());
  return sample;
}

}  // namespace cede::measure::compare
