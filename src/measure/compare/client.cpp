#include "measure/compare/client.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cede::measure::compare {
namespace {

using namespace std::chrono_literals;
using json = nlohmann::json;

// The client has patience of its own, and says more than we can when it loses it.
constexpr auto patience = 120s;

}  // namespace

outcome<client> client::start(const std::string& program, const std::vector<std::string>& words,
                              const std::vector<unsigned>& cpus, const interruption& stop) {
  launch what{"the client", {program, "load"}, cpus};
  what.command.insert(what.command.end(), words.begin(), words.end());
  what.command.insert(what.command.end(), {"--json", "--cues", "--quiet"});
  auto process = child::start(what, stop);
  if (!process) return std::unexpected(process.error());
  return client(std::move(*process));
}

outcome<> client::reach(std::string_view stage) {
  const auto line = process_.read_line(patience);
  if (!line) return std::unexpected(line.error());
  const json told = json::parse(*line, nullptr, false);
  if (told.is_object() && told.value("stage", json()) == stage) return {};
  return fail(fmt::format("the client says '{}', where '{}' belongs", *line, stage));
}

outcome<> client::pass(std::string_view stage) {
  if (auto reached = reach(stage); !reached) return reached;
  return go_on();
}

outcome<json> client::read_report() {
  const auto line = process_.read_line(patience);
  if (!line) return std::unexpected(line.error());
  json told = json::parse(*line, nullptr, false);
  if (!told.is_object()) return fail(fmt::format("the client reports '{}'", *line));
  return told;
}

outcome<json> client::finish() {
  auto report = read_report();
  if (!report) return report;
  if (auto ended = process_.wait(patience); !ended) return std::unexpected(ended.error());
  return report;
}

outcome<json> client::take_turn(std::string_view words) {
  if (auto told = process_.write_line(words); !told) return std::unexpected(told.error());
  return read_report();
}

outcome<> client::end_turns() {
  process_.close_input();
  return process_.wait(patience);
}

outcome<double> number_in(const json& report, const std::string& path) {
  const json::json_pointer place("/" + path);
  if (!report.contains(place) || !report.at(place).is_number())
    return fail(fmt::format("the client's report lacks {}", path));
  return report.at(place).get<double>();
}

}  // namespace cede::measure::compare
