#include "measure/compare/upset_trials.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using json = nlohmann::json;

// Any byte will do that other connections do not begin with: cede load sees to that.
constexpr std::uint8_t hog_byte = 0x48;

std::string in_ms(std::chrono::milliseconds time) { return fmt::format("{}ms", time.count()); }

// Lets the client run to its end without a stop, and ends the server.
outcome<json> run_through(server& running, const std::vector<std::string>& words,
                          const ground& where, std::span<const std::string_view> stages) {
  auto by = client::start(where.program, words, where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  for (const std::string_view stage : stages) {
    if (auto reached = by->reach(stage); !reached) return std::unexpected(reached.error());
    if (auto gone_on = by->go_on(); !gone_on) return std::unexpected(gone_on.error());
  }
  auto report = by->finish();
  if (!report) return report;
  if (auto ended = running.end(); !ended) return std::unexpected(ended.error());
  return report;
}

std::vector<std::string> hog_words(const hog_shape& shape, std::uint16_t port) {
  return {"echo",
          "--port",
          fmt::to_string(port),
          "--connections",
          fmt::to_string(shape.others),
          "--warm-up",
          in_ms(shape.warm_up),
          "--duration",
          in_ms(shape.before),
          "--settle",
          "0ms",
          "--hogs",
          fmt::to_string(shape.hogs),
          "--hog-byte",
          fmt::format("0x{:02x}", hog_byte)};
}

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

outcome<hog_sample> hog_sample_from(const json& report, const hog_shape& shape) {
  hog_sample sample;
  const std::pair<const char*, double*> wanted[] = {
      {"messages_per_second", &sample.messages_before},
      {"latency_us/p99", &sample.p99_before},
      {"during/messages_per_second", &sample.messages_during},
      {"during/latency_us/p99", &sample.p99_during}};
  for (const auto& [path, into] : wanted) {
    const auto number = number_in(report, path);
    if (!number) return std::unexpected(number.error());
    *into = *number;
  }
  const auto starved = starved_in(report.at("during"), shape);
  if (!starved) return std::unexpected(starved.error());
  sample.starved = *starved;
  return sample;
}

}  // namespace

outcome<double> measure_churn(const contestant& who, const churn_shape& shape,
                              const ground& where) {
  auto running = server::start(who, where.server_cpus, std::nullopt, where.stop);
  if (!running) return std::unexpected(running.error());
  const auto report = run_through(*running,
                                  {"churn", "--port", fmt::to_string(running->port()),
                                   "--connections", fmt::to_string(shape.connections), "--rounds",
                                   fmt::to_string(shape.storms), "--settle", "0ms"},
                                  where, {});
  if (!report) return std::unexpected(report.error());
  return number_in(*report, "connections_per_second");
}

outcome<hog_sample> measure_hogs(const contestant& who, const hog_shape& shape,
                                 const ground& where) {
  static constexpr std::string_view stages[] = {"first-opened", "opened", "measured"};
  auto running = server::start(who, where.server_cpus, hogging{hog_byte, shape.during}, where.stop);
  if (!running) return std::unexpected(running.error());
  const auto report = run_through(*running, hog_words(shape, running->port()), where, stages);
  if (!report) return std::unexpected(report.error());
  return hog_sample_from(*report, shape);
}

}  // namespace cede::measure::compare
