// Looks at the server's process from outside: how much CPU time and how much memory it uses.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "measure/load/failure.hpp"

namespace cede::measure::load {

struct memory_sample {
  /// Bytes that the process has to itself plus its share of shared pages (Pss).
  std::uint64_t user = 0;
  /// Bytes of page tables (VmPTE).
  std::uint64_t page_tables = 0;
  /// Bytes resident (VmRSS).
  std::uint64_t resident = 0;
  std::uint64_t threads = 0;
};

class server_probe {
 public:
  /// Errors: no such process, or it may not be looked at.
  static outcome<server_probe> attach(int pid);

  /// User and system time of all threads the process has and has had. Of a thread that is running
  /// at this moment the time since its last scheduler tick (1 to 4 ms) is missing.
  outcome<std::chrono::nanoseconds> cpu_time() const;

  outcome<memory_sample> memory() const;

 private:
  server_probe(int pid, clockid_t cpu_clock) : pid_(pid), cpu_clock_(cpu_clock) {}

  int pid_;
  clockid_t cpu_clock_;
};

/// What the memory of a server grew by while it took on connections. A figure can come out
/// slightly below zero: the process may give memory back meanwhile.
struct memory_growth {
  memory_sample before;
  memory_sample after;
  std::uint32_t connections = 0;

  double user_per_connection() const noexcept;
  double page_tables_per_connection() const noexcept;
  /// From the number of threads, 16 KiB each (the size on x86-64 and aarch64).
  double kernel_stack_per_connection() const noexcept;
};

}  // namespace cede::measure::load
