// One part of the load: some of the connections, on one thread, led over a socket (messages.hpp).
#pragma once

#include <optional>

#include "measure/load/channel.hpp"
#include "measure/load/crowd.hpp"
#include "measure/load/echo_loop.hpp"
#include "measure/load/messages.hpp"

namespace cede::measure::load {

class part {
 public:
  explicit part(channel leader) : leader_(std::move(leader)) {}
  part(const part&) = delete;
  part& operator=(const part&) = delete;

  /// Does what the leader says, until it is gone.
  void serve();

 private:
  outcome<message::reply> execute(const message::command& what);
  outcome<message::reply> carry_out(const message::setup& what);
  outcome<message::reply> carry_out(const message::open& what);
  outcome<message::reply> carry_out(const message::exchange& what);
  outcome<message::reply> carry_out(const message::measure& what);
  outcome<message::reply> carry_out(const message::close& what);

  std::uint32_t resting();
  outcome<> listen();
  outcome<bool> tell(std::uint32_t rested);

  channel leader_;
  connection_plan plan_;
  std::optional<crowd> members_;
  echo_loop* loop_ = nullptr;
  bool stopping_ = false;
  std::chrono::nanoseconds told_at_{};
};

}  // namespace cede::measure::load
