// The machine that a comparison runs on, and what else it did meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "measure/compare/outcome.hpp"
#include "measure/compare/proc_text.hpp"
#include "measure/report/results.hpp"

namespace cede::measure::compare {

[[nodiscard]] report::machine_facts facts_of_this_machine(std::string cede_version);

/// The CPUs that this process may use, in order.
[[nodiscard]] std::vector<unsigned> usable_cpus();

/// What was seen of the whole machine between two moments.
struct machine_use {
  double busy_before = 0;  ///< parts of all CPUs that others used just before, 0 to 1
  unsigned cpus = 1;
  double seconds = 0;
  double others_seconds = 0;  ///< CPU time of processes that are not ours
  double stolen_seconds = 0;  ///< CPU time that other guests of the host got
};

/// What of it makes figures less worth; about "machine".
[[nodiscard]] std::vector<report::warning> warnings_about(const machine_use& use);

/// Watches from its making on.
class machine_watch {
 public:
  /// Looks first how busy others are, which takes this long. (The load average would tell of the
  /// last minute: of an earlier run of ours, for example.)
  explicit machine_watch(std::chrono::milliseconds look = std::chrono::milliseconds(300));

  /// Requires: all children have been waited for.
  [[nodiscard]] machine_use so_far() const;

 private:
  struct moment {
    std::chrono::steady_clock::time_point at;
    cpu_ticks all;
    double ours = 0;  // CPU seconds of this process and the children that it has waited for
  };
  static moment now();
  static machine_use between(const moment& begin, const moment& end);

  double busy_before_ = 0;
  moment begin_;
};

}  // namespace cede::measure::compare
