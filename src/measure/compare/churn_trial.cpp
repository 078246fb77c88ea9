#include "measure/compare/churn_trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {

outcome<double> measure_churn(const contestant& who, const churn_shape& shape,
                              const ground& where) {
  auto running = server::start(who, where.server_cpus, std::nullopt, where.stop);
  if (!running) return std::unexpected(running.error());
  auto by = client::start(where.program,
                          {"churn", "--port", fmt::to_string(running->port()), "--connections",
                           fmt::to_string(shape.connections), "--rounds",
                           fmt::to_string(shape.storms), "--settle", "0ms"},
                          where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  const auto report = by->finish();
  if (!report) return std::unexpected(report.error());
  if (auto ended = running->end(); !ended) return std::unexpected(ended.error());
  return number_in(*report, "connections_per_second");
}

}  // namespace cede::measure::compare
