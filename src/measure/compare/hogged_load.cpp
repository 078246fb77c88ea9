#include "measure/compare/hogged_load.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "measure/compare/client.hpp"

namespace cede::measure::compare {
namespace {

std::string in_ms(std::chrono::milliseconds time) { return fmt::format("{}ms", time.count()); }

std::vector<std::string> words_of(const hogged_load& load, const server& running) {
  std::vector<std::string> words{"echo"};
  const auto add = [&words](const char* option, std::string value) {
    words.insert(words.end(), {option, std::move(value)});
  };
  add("--port", fmt::to_string(running.port()));
  add("--server-pid", fmt::to_string(running.id()));
  add("--connections", fmt::to_string(load.others));
  add("--warm-up", in_ms(load.warm_up));
  add("--duration", in_ms(load.before));
  add("--hog-settle", in_ms(load.settle));
  add("--recovery", "0ms");
  add("--settle", "0ms");
  add("--hogs", fmt::to_string(load.hogs));
  add("--hog-byte", fmt::format("0x{:02x}", hog_byte));
  if (load.rate) add("--rate", fmt::format("{:.0f}/s", *load.rate));
  return words;
}

}  // namespace

outcome<nlohmann::json> run_beside_hogs(const server& running, const hogged_load& load,
                                        const ground& where,
                                        const std::function<outcome<>()>& meanwhile) {
  auto by = client::start(where.program, words_of(load, running), where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  for (const std::string_view stage : {"first-opened", "opened", "measured"}) {
    if (auto passed = by->pass(stage); !passed) return std::unexpected(passed.error());
    if (stage != "opened") continue;
    if (auto done = meanwhile(); !done) return std::unexpected(done.error());
  }
  return by->finish();
}

outcome<> read_numbers(const nlohmann::json& report, std::initializer_list<wanted_number> wanted) {
  for (const auto& [path, into] : wanted) {
    const auto number = number_in(report, path);
    if (!number) return std::unexpected(number.error());
    *into = *number;
  }
  return {};
}

}  // namespace cede::measure::compare
