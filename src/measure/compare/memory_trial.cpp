#include "measure/compare/memory_trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

std::vector<std::string> client_words(std::uint16_t port, std::uint64_t first,
                                      std::uint64_t connections) {
  return {"idle",          "--late-echo",
          "--port",        fmt::to_string(port),
          "--first",       fmt::to_string(first),
          "--connections", fmt::to_string(connections),
          "--size",        fmt::to_string(memory_message_bytes)};
}

// The slabs first: reading /proc/PID makes some of its own.
outcome<memory_look> look(server& running, std::uint64_t connections) {
  if (auto settled = running.settle(connections); !settled) return std::unexpected(settled.error());
  const auto slabs = sample_slabs_at_rest();
  if (!slabs) return std::unexpected(slabs.error());
  const auto process = memory_of(running.id());
  if (!process) return std::unexpected(process.error());
  return memory_look{*process, *slabs};
}

outcome<> look_at(std::string_view stage, std::uint64_t connections, client& by, server& running,
                  memory_look& into) {
  if (auto reached = by.reach(stage); !reached) return reached;
  const auto seen = look(running, connections);
  if (!seen) return std::unexpected(seen.error());
  into = *seen;
  return by.go_on();
}

}  // namespace

outcome<memory_sample> measure_memory(const contestant& who, std::uint64_t connections,
                                      const ground& where) {
  auto running = server::start(who, where.server_cpus, std::nullopt, where.stop);
  if (!running) return std::unexpected(running.error());
  memory_sample sample{.first = std::max<std::uint64_t>(first_connections(connections), 1),
                       .connections = connections};
  auto by = client::start(where.program, client_words(running->port(), sample.first, connections),
                          where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  if (auto seen = look_at("first-opened", sample.first, *by, *running, sample.few); !seen)
    return std::unexpected(seen.error());
  if (auto seen = look_at("opened", connections, *by, *running, sample.idle); !seen)
    return std::unexpected(seen.error());
  if (auto seen = look_at("exchanged", connections, *by, *running, sample.after_messages); !seen)
    return std::unexpected(seen.error());
  if (auto report = by->finish(); !report) return std::unexpected(report.error());
  if (auto ended = running->end(); !ended) return std::unexpected(ended.error());
  return sample;
}

}  // namespace cede::measure::compare
