// A real client process: `cede load`, which stops at each of its stages.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "measure/compare/child.hpp"

namespace cede::measure::compare {

class client {
 public:
  /// `program` is cede; `words` is the verb of load and its options, without --json and --cues.
  /// Requires: each stage that this verb has is waited for, in order.
  [[nodiscard]] static outcome<client> start(const std::string& program,
                                             const std::vector<std::string>& words,
                                             const std::vector<unsigned>& cpus,
                                             const interruption& stop);

  /// Waits until it has reached the stage ("opened", ...), and stands there.
  /// Errors: it has ended, with what it said: a wrong answer, a lost connection; interrupted.
  [[nodiscard]] outcome<> reach(std::string_view stage);

  /// Lets it go on from there.
  [[nodiscard]] outcome<> go_on() { return process_.write_line(""); }

  /// Lets it go on from `stage` as soon as it is there.
  /// Errors: as reach.
  [[nodiscard]] outcome<> pass(std::string_view stage);

  /// Has it measure once, and returns its report of that.
  /// Requires: `echo --turns`, which has reached "opened" and gone on.
  [[nodiscard]] outcome<nlohmann::json> take_turn(std::string_view words);

  /// There will be no more turns: it ends.
  [[nodiscard]] outcome<> end_turns();

  /// Its report. It has ended well then.
  [[nodiscard]] outcome<nlohmann::json> finish();

 private:
  [[nodiscard]] outcome<nlohmann::json> read_report();

  explicit client(child process) noexcept : process_(std::move(process)) {}

  child process_;
};

/// The number at a path such as "latency_us/p99" of a report.
/// Errors: there is none.
[[nodiscard]] outcome<double> number_in(const nlohmann::json& report, const std::string& path);

}  // namespace cede::measure::compare
