// What this machine cannot do, found before a server is started.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::compare {

/// Limits that connections run into. The largest number stands for none.
struct machine_limits {
  std::uint64_t open_files = ~0ULL;    ///< of a process
  std::uint64_t threads = ~0ULL;       ///< more than there are
  std::uint64_t mappings = ~0ULL;      ///< of a process: vm.max_map_count
  std::uint64_t memory_bytes = ~0ULL;  ///< available
  std::string threads_by = {};         ///< who sets the limit of threads
};

[[nodiscard]] machine_limits limits_here();

/// Why nobody here can have so many connections, with what to do; nothing if somebody can.
[[nodiscard]] std::optional<std::string> too_many_for_all(std::uint64_t connections,
                                                          const machine_limits& limits);

/// Why servers of this nature cannot.
[[nodiscard]] std::optional<std::string> too_many_for(report::nature kind,
                                                      std::uint64_t connections,
                                                      const machine_limits& limits);

/// Whether servers of these natures, and their clients, can have so many connections each at the
/// same time.
[[nodiscard]] bool fit_together(const std::vector<report::nature>& all, std::uint64_t connections,
                                const machine_limits& limits);

}  // namespace cede::measure::compare
