// A whole comparison: every contestant in every experiment, in rounds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"
#include "measure/compare/plan.hpp"
#include "measure/compare/progress.hpp"
#include "measure/report/results.hpp"

namespace cede::measure::compare {

struct comparison {
  std::vector<contestant> kinds;
  std::vector<contestant> peers;
  std::vector<report::subject> absent_peers;  ///< those that cannot even be made ready
  effort how;
  enum class bare_costs : std::uint8_t { none, quick, full } bare = bare_costs::full;
  bool quick = false;
  std::string command;  ///< as a user would type it
  std::string cede_version;
};

/// Blocks: the thread, for minutes. Its affinity becomes the client's CPUs, so that looking on does
/// not disturb the servers.
/// Errors: a wrong answer, a server or client that failed; no contestant can run here; interrupted.
/// No child is left then.
[[nodiscard]] outcome<report::results> run(const comparison& what, const ground& where,
                                           progress& shown);

/// The first CPU that this process may use for the server, all others for the client; the same one
/// where there is no other.
[[nodiscard]] ground ground_here(std::string program, const interruption& stop);

}  // namespace cede::measure::compare
