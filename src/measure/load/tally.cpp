#include "measure/load/tally.hpp"

#include <algorithm>

namespace cede::measure::load {

void window_tally::add(const window_tally& other) {
  messages += other.messages;
  latency.add(other.latency);
  unanswered += other.unanswered;
  for (const auto& [replies, connections] : other.connections_by_replies)
    connections_by_replies[replies] += connections;
  client_cpu += other.client_cpu;
}

void loop_tally::add(const loop_tally& other) {
  for (std::size_t i = 0; i < windows.size(); ++i) windows[i].add(other.windows[i]);
  lateness.add(other.lateness);
  messages_in_all += other.messages_in_all;
  lasted = std::max(lasted, other.lasted);
  ended = std::max(ended, other.ended);
}

}  // namespace cede::measure::load
