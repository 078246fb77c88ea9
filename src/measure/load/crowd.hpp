// Many connections to one server, on one epoll instance.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "measure/load/conversation.hpp"
#include "measure/load/failure.hpp"
#include "measure/load/plan.hpp"
#include "measure/load/poller.hpp"

namespace cede::measure::load {

class crowd {
 public:
  /// What the crowd asks while it waits. Both are called on its own thread.
  struct hooks {
    /// A descriptor to watch besides the connections.
    int watched = -1;
    /// It has become readable.
    std::function<outcome<>()> readable;
    /// Now and then, with the number of connections that have come to rest. True: stop.
    std::function<outcome<bool>(std::uint32_t)> stopping;
  };

  /// Requires: `plan` outlives the crowd.
  static outcome<crowd> create(const connection_plan& plan, hooks around);

  /// Opens `count` further connections, at most `connect_limit` of them under way at once. The
  /// first ever has the number `first_number`, the next the next.
  outcome<> open(std::uint32_t first_number, std::uint32_t count, greeting first);

  /// One message on every connection, at most `connect_limit` outstanding at once.
  outcome<> exchange_once();

  /// Waits for events, at most `timeout`, and calls `answered(conversation&)` for each reply that
  /// came in whole. True if anything happened on a connection.
  template <class Answered>
  outcome<bool> step(std::chrono::nanoseconds timeout, Answered answered);

  std::span<conversation> members() noexcept { return members_; }

  /// Ends every connection.
  void close_all(closing style);

 private:
  crowd(const connection_plan& plan, hooks around, poller events)
      : plan_(&plan), hooks_(std::move(around)), events_(std::move(events)) {}

  outcome<> start(std::uint32_t index, greeting first);
  outcome<> pump(std::uint32_t first, std::uint32_t last,
                 const std::function<outcome<>(std::uint32_t)>& begin);

  // How often progress is told at the least.
  static constexpr std::chrono::milliseconds tick{100};
  static constexpr std::uint32_t watched_index = ~std::uint32_t{0};

  const connection_plan* plan_;
  hooks hooks_;
  poller events_;
  std::uint32_t first_number_ = 0;
  std::vector<conversation> members_;
  std::vector<std::byte> scratch_ = std::vector<std::byte>(std::size_t{64} * 1024);
};

template <class Answered>
outcome<bool> crowd::step(std::chrono::nanoseconds timeout, Answered answered) {
  const auto events = events_.wait(timeout);
  if (!events) return std::unexpected(events.error());
  bool happened = false;
  for (const readiness& ready : *events) {
    if (ready.index == watched_index) {
      if (auto heard = hooks_.readable(); !heard) return std::unexpected(heard.error());
      continue;
    }
    happened = true;
    conversation& member = members_[ready.index];
    const auto progress = member.advance(ready, scratch_);
    if (!progress) return std::unexpected(progress.error());
    if (*progress != conversation::progress::answered) continue;
    if (auto handled = answered(member); !handled) return std::unexpected(handled.error());
  }
  return happened;
}

}  // namespace cede::measure::load
