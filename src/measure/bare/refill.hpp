// Cold caches: what a switch costs to one who comes back to a working set, after another has used
// the cache for its own.
//
// Two alternate on one CPU. Each goes through its whole set between switches, line by line in
// random order, each line's address in the one before, so that neither the prefetcher nor the width
// of the processor hides a miss, and writes to each line. What going through takes without a
// switch, in one thread with one set, is taken off; measured in turns with the rest. What is left
// is the switch and what the other one's set has pushed out. Method: C. Li, C. Ding, K. Shen,
// "Quantifying the cost of context switch", ExpCS 2007; they walk an array with a stride, in
// processes.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/bare/sampler.hpp"
#include "measure/report/results.hpp"

namespace cede::measure::bare {

struct refill_plan {
  std::vector<std::uint64_t> working_sets;  ///< bytes, ascending, at least 128 each
  effort how;
};

/// A curve for each kind of fiber (by yield) and of plain thread (by a futex).
/// Throws wrong_answer if a line was not written as often as it was due.
[[nodiscard]] std::vector<report::refill_curve> measure_refill(const refill_plan& plan, int cpu);

}  // namespace cede::measure::bare
