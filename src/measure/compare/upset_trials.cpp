#include "measure/compare/upset_trials.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using json = nlohmann::json;

// Lets the client run to its end, and ends the server.
outcome<json> run_through(server& running, const std::vector<std::string>& words,
                          const ground& where) {
  auto by = client::start(where.program, words, where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  auto report = by->finish();
  if (!report) return report;
  if (auto ended = running.end(); !ended) return std::unexpected(ended.error());
  return report;
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
                                  where);
  if (!report) return std::unexpected(report.error());
  return number_in(*report, "connections_per_second");
}

}  // namespace cede::measure::compare
