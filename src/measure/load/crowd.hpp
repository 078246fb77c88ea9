// Many connections to one server, on one epoll instance.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "measure/load/conversation.hpp"
#include "measure/load/endpoint.hpp"
#include "measure/load/failure.hpp"
#include "measure/load/poller.hpp"
#include "measure/load/stages.hpp"

namespace cede::measure::load {

/// What every mode is told.
struct target_plan {
  endpoint target;
  std::uint32_t connections = 0;
  /// Bytes of a message.
  std::uint32_t size = 64;
  /// Connections that may be under way (not yet open, or not yet greeted) at once.
  std::uint32_t connect_limit = 128;
  /// Silence of the server that is taken for a fault.
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
  /// Process to look at; 0 for none.
  int server_pid = 0;
  stage_watcher at_stage = {};

  outcome<> reached(stage what) const { return at_stage ? at_stage(what) : outcome<>{}; }
};

class crowd {
 public:
  /// The connections will be numbered from `first_number` on.
  /// Requires: `plan` outlives the crowd.
  static outcome<crowd> create(const target_plan& plan, std::uint32_t first_number);

  /// Opens `count` further connections, at most `connect_limit` of them under way at once.
  outcome<> open(std::uint32_t count, greeting first);

  /// One message on every connection, at most `connect_limit` outstanding at once.
  outcome<> exchange_once();

  /// Waits for events, at most `timeout`, and calls `answered(conversation&)` for each reply that
  /// came in whole. True if anything happened.
  template <class Answered>
  outcome<bool> step(std::chrono::nanoseconds timeout, Answered answered);

  std::span<conversation> members() noexcept { return members_; }

  /// Ends every connection.
  void close_all(closing style);

 private:
  crowd(const target_plan& plan, poller events, std::uint32_t first_number)
      : plan_(&plan), events_(std::move(events)), first_number_(first_number) {}

  outcome<> start(std::uint32_t index, greeting first);
  outcome<> pump(std::uint32_t first, std::uint32_t last,
                 const std::function<outcome<>(std::uint32_t)>& begin);

  const target_plan* plan_;
  poller events_;
  std::uint32_t first_number_;
  std::vector<conversation> members_;
  std::vector<std::byte> scratch_ = std::vector<std::byte>(std::size_t{64} * 1024);
};

template <class Answered>
outcome<bool> crowd::step(std::chrono::nanoseconds timeout, Answered answered) {
  const auto events = events_.wait(timeout);
  if (!events) return std::unexpected(events.error());
  for (const readiness& ready : *events) {
    conversation& member = members_[ready.index];
    const auto progress = member.advance(ready, scratch_);
    if (!progress) return std::unexpected(progress.error());
    if (*progress != conversation::progress::answered) continue;
    if (auto handled = answered(member); !handled) return std::unexpected(handled.error());
  }
  return !events->empty();
}

}  // namespace cede::measure::load
