#include "measure/compare/bare_costs.hpp"

#include <fmt/format.h>

#include "measure/compare/child.hpp"

namespace cede::measure::compare {

outcome<report::bare_results> measure_bare_costs(comparison::bare_costs how_deep,
                                                 const ground& where) {
  launch what{"the bare costs", {where.program, "bare", "--json"}, where.server_cpus};
  if (how_deep == comparison::bare_costs::quick) what.command.emplace_back("--quick");
  if (!where.shared())
    what.cpus.insert(what.cpus.end(), where.client_cpus.begin(), where.client_cpus.end());
  auto process = child::start(what, where.stop);
  if (!process) return std::unexpected(process.error());
  const auto text = process->read_rest(std::chrono::seconds(120));
  if (!text) return std::unexpected(text.error());
  auto found = report::bare_from_json(*text);
  if (!found) return fail(fmt::format("the bare costs: {}", found.error()));
  return *found;
}

double expected_bare_seconds(comparison::bare_costs how_deep) {
  switch (how_deep) {
    case comparison::bare_costs::none:
      return 0;
    case comparison::bare_costs::quick:
      return 3;
    case comparison::bare_costs::full:
      break;
  }
  return 10;
}

}  // namespace cede::measure::compare
