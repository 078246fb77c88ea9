// The texts of /proc, proc(5), read into numbers; for lines "Name: 123 kB" there is
// measure/load/proc_fields.hpp. Nothing here opens a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cede::measure::compare {

/// What /proc/PID/task/TID/status says about who gave up the CPU.
struct kernel_switches {
  std::uint64_t voluntary = 0;    ///< it waited
  std::uint64_t involuntary = 0;  ///< its time was over, or another was more urgent
};
[[nodiscard]] std::optional<kernel_switches> switches_of(std::string_view status);

/// A cache of /proc/slabinfo, slabinfo(5).
struct slab_cache {
  std::string name;
  std::uint64_t objects = 0;
  std::uint64_t object_bytes = 0;
};
/// Nothing if this is no table of slabinfo; lines of another form are passed over.
[[nodiscard]] std::optional<std::vector<slab_cache>> slab_caches_of(std::string_view slabinfo);

/// The first line of /proc/stat, in clock ticks, summed over all CPUs.
struct cpu_ticks {
  std::uint64_t busy = 0;    ///< all but idle, waiting for disks, and stolen
  std::uint64_t stolen = 0;  ///< by other guests of the same host
  std::uint64_t all = 0;
};
[[nodiscard]] std::optional<cpu_ticks> cpu_ticks_of(std::string_view stat);

/// /proc/loadavg.
struct system_load {
  double one_minute = 0;
  std::uint64_t threads = 0;  ///< of the whole system
};
[[nodiscard]] std::optional<system_load> load_of(std::string_view loadavg);

}  // namespace cede::measure::compare
