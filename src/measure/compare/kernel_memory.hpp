// What the kernel itself holds, for everybody on this machine: its slabs, and its stacks of
// threads.
//
// The kernel does not tell whose an object is. What a server's connections cost is therefore a
// growth while nothing else grew, less what their other ends cost (accounting.hpp).
#pragma once

#include <cstdint>

#include "measure/compare/outcome.hpp"
#include "measure/compare/proc_text.hpp"

namespace cede::measure::compare {

/// Bytes of objects in use.
struct slab_bytes {
  std::uint64_t sockets = 0;  ///< of TCP connections, both ends, and what makes them files
  std::uint64_t others = 0;   ///< of threads, mappings, events, and small ones of every kind
  bool by_cache = false;      ///< else `others` has whole slabs of all caches: see sample_slabs
};

/// Only of caches that a server can make grow: those of file systems and block devices are left
/// out, as they grow whenever anybody reads a file.
[[nodiscard]] slab_bytes of_processes(const std::vector<slab_cache>& caches);

/// From /proc/slabinfo, or, for users who may not read that, the sum of all in /proc/meminfo.
[[nodiscard]] outcome<slab_bytes> sample_slabs();

/// The same, once it does not fall any more: the kernel gives back the objects of a server that has
/// ended a while later, after a grace period of RCU. Not later than in a second.
[[nodiscard]] outcome<slab_bytes> sample_slabs_at_rest();

/// Bytes of the kernel's stack of one thread, from all stacks and all threads of the system.
[[nodiscard]] std::uint64_t stack_bytes(std::uint64_t all_stacks, std::uint64_t all_threads);

/// The same, from /proc/meminfo and /proc/loadavg.
[[nodiscard]] outcome<std::uint64_t> kernel_stack_bytes();

}  // namespace cede::measure::compare
