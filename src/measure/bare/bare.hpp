// The bare costs: what switching, spawning and waking cost for each kind, and how cold the caches
// are after a switch. No sockets, no load.
#pragma once

#include <expected>
#include <string>

#include "measure/report/results_json.hpp"

namespace cede::measure::bare {

enum class depth : std::uint8_t {
  full,   ///< about 10 s
  quick,  ///< about 3 s: fewer repeats, shorter samples, fewer working sets
};

/// Measures everything on two CPUs that this process may use, or on one; the calling thread's
/// affinity is restored. What a kind cannot do here is a missing figure.
/// To be called in a process of its own: it starts runtimes and threads, some of them real-time.
/// Errors: an operation was not done as often as it was counted; no figure can be believed then.
[[nodiscard]] std::expected<report::bare_results, std::string> measure(depth how_deep);

}  // namespace cede::measure::bare
