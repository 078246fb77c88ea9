// The command line of the load client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "churn_run.hpp"
#include "crowd.hpp"
#include "echo_run.hpp"
#include "idle_run.hpp"
#include "report.hpp"

namespace bench::load {

enum class mode { echo, idle, churn };

struct options {
  load::mode mode = mode::echo;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  /// Its target is not yet resolved.
  target_plan plan;
  report_format format = report_format::text;
  echo_plan echo;
  idle_plan idle;
  churn_plan churn;
  /// Above this growth of the server's resident memory, in percent, `churn` fails.
  std::optional<double> max_growth;
};

/// Parses the command line. Prints one line (or the help) and ends the process where it is bad (or
/// asks for help).
options parse_or_exit(int argc, char** argv);

}  // namespace bench::load
