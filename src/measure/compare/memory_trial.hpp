// What idle connections cost, in the server's process and in the kernel.
#pragma once

#include <cstdint>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"
#include "measure/compare/kernel_memory.hpp"
#include "measure/compare/process_sample.hpp"

namespace cede::measure::compare {

struct memory_look {
  process_memory process = {};
  slab_bytes slabs = {};
};

/// One server, looked at three times.
struct memory_sample {
  std::uint64_t first = 0;        ///< connections at the first look
  std::uint64_t connections = 0;  ///< at the others
  memory_look few = {};
  memory_look idle = {};
  memory_look after_messages = {};
};

/// Bytes of the message that each connection exchanges before the third look.
inline constexpr std::uint32_t memory_message_bytes = 4096;

/// How many connections are open at the first look, so that what a server sets up once, and in
/// steps, is there.
[[nodiscard]] constexpr std::uint64_t first_connections(std::uint64_t connections) noexcept {
  return connections / 10 < 100 ? connections / 10 : 100;
}

[[nodiscard]] outcome<memory_sample> measure_memory(const contestant& who,
                                                    std::uint64_t connections, const ground& where);

/// The kernel's part of connections between a server that only accepts and `cede load`: what any
/// server's connections cost before it does something with them.
struct bare_connections {
  std::uint64_t connections = 0;
  slab_bytes growth = {};
};

/// Of about as many as `wanted`, between 1,100 and 4,000.
/// Requires: that many more descriptors, in this process.
[[nodiscard]] outcome<bare_connections> measure_bare_connections(std::uint64_t wanted,
                                                                 const ground& where);

}  // namespace cede::measure::compare
