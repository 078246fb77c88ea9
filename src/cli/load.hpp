// The verbs `cede load echo|idle|churn`: clients by the thousand for a server that echoes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/output.hpp"
#include "measure/load/churn_run.hpp"
#include "measure/load/echo_run.hpp"
#include "measure/load/idle_run.hpp"

namespace CLI {
class App;
}

namespace cede::cli {

enum class report_format : std::uint8_t { text, json };

/// What the verbs of `cede load` share.
struct load_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  /// Its target is not yet resolved.
  measure::load::target_plan plan;
  report_format format = report_format::text;
  /// Do not show on stderr how far it is.
  bool quiet = false;
  /// Print a line at each stage, and wait for one on stdin before going on.
  bool cues = false;
};

struct load_echo_options : load_options {
  measure::load::echo_plan echo;
  /// Measure once for each line on stdin, which may name what is different (turn_words.hpp).
  bool turns = false;
};

struct load_idle_options : load_options {
  measure::load::idle_plan idle;
};

struct load_churn_options : load_options {
  measure::load::churn_plan churn;
  /// Above this growth of the server's resident memory, in percent, it is a failure.
  std::optional<double> max_growth;
};

/// Each adds its verb to `load`; reading a command line then fills `into`, or throws usage_error.
/// Requires: `into` lives until the command line has been read.
CLI::App* add_load_echo(CLI::App& load, load_echo_options& into);
CLI::App* add_load_idle(CLI::App& load, load_idle_options& into);
CLI::App* add_load_churn(CLI::App& load, load_churn_options& into);

/// What `cede load` starts where one process may not have enough descriptors: a part of the load,
/// led by the process that started it. Not for users.
CLI::App* add_load_part(CLI::App& load);
int load_part();

/// Each prints its report, or one line with what went wrong, and returns the exit code: 0 only if
/// every reply was right and nobody stopped it.
int load_echo(load_echo_options options);
int load_idle(load_idle_options options);
int load_churn(load_churn_options options);

}  // namespace cede::cli
