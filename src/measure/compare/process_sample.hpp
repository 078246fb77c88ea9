// What the kernel tells about a process: how much memory it has, how often its threads gave up the
// CPU, how long they used it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

#include "measure/compare/outcome.hpp"
#include "measure/compare/proc_text.hpp"

namespace cede::measure::compare {

struct process_memory {
  std::uint64_t user_bytes = 0;        ///< Pss in smaps_rollup: shared pages count in parts
  std::uint64_t page_table_bytes = 0;  ///< VmPTE
  std::uint64_t threads = 0;
};

/// Errors: as all here, that the process is gone or may not be looked at.
[[nodiscard]] outcome<process_memory> memory_of(pid_t process);

/// Of all threads that it has now; what threads did that have ended is lost.
[[nodiscard]] outcome<kernel_switches> switches_of_process(pid_t process);

/// How many files it has open.
[[nodiscard]] outcome<std::uint64_t> descriptors_of(pid_t process);

/// User and system time of all threads that it has and has had.
[[nodiscard]] outcome<std::chrono::nanoseconds> cpu_time_of(pid_t process);

}  // namespace cede::measure::compare
