// Whose memory a connection is: from looks at a server and at the kernel to bytes for each owner.
//
// Every figure is a growth between two numbers of connections, divided by their difference, so that
// what a server costs without connections does not count.
//
//   user          growth of the process's Pss
//   page tables   growth of its VmPTE
//   kernel stack  growth of its threads, times the size of a kernel stack
//   socket        the kernel's end of one connection: half of what a bare connection grows the
//                 caches of sockets by, as it has two ends alike
//   slab          growth of all other caches, less what a bare connection grows them by: that is
//                 the client's part
#pragma once

#include "measure/compare/memory_trial.hpp"

namespace cede::measure::compare {

/// Bytes a connection. Noise can make one of them slightly negative.
struct owner_bytes {
  double user = 0;
  double page_tables = 0;
  double kernel_stack = 0;
  double slab = 0;
  double socket = 0;

  [[nodiscard]] double total() const noexcept {
    return user + page_tables + kernel_stack + slab + socket;
  }
};

/// What the kernel takes for a connection, whoever serves it.
struct kernel_prices {
  double socket = 0;  ///< one end
  double others = 0;  ///< the client's, beside its socket
  std::uint64_t thread_stack = 0;
};

[[nodiscard]] kernel_prices prices_from(const bare_connections& bare, std::uint64_t thread_stack);

[[nodiscard]] owner_bytes idle_bytes(const memory_sample& sample, const kernel_prices& prices);

/// After each connection has exchanged a message: what it cost idle, and what all grew by since.
[[nodiscard]] owner_bytes bytes_after_messages(const memory_sample& sample,
                                               const kernel_prices& prices);

}  // namespace cede::measure::compare
