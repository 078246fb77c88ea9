#include "measure/load/crowd.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "measure/load/seconds_text.hpp"

namespace cede::measure::load {

outcome<crowd> crowd::create(const connection_plan& plan, hooks around) {
  auto events = poller::create();
  if (!events) return std::unexpected(events.error());
  crowd result(plan, std::move(around), std::move(*events));
  if (result.hooks_.watched >= 0)
    if (auto added = result.events_.add(result.hooks_.watched, watched_index); !added)
      return std::unexpected(added.error());
  return result;
}

outcome<> crowd::start(std::uint32_t index, greeting first) {
  auto member = conversation::connect(*plan_, first_number_ + index, first);
  if (!member) return std::unexpected(member.error());
  members_.push_back(std::move(*member));
  return events_.add(members_.back().socket(), index);
}

outcome<> crowd::open(std::uint32_t first_number, std::uint32_t count, greeting first) {
  const auto already = static_cast<std::uint32_t>(members_.size());
  if (already == 0) first_number_ = first_number;
  members_.reserve(already + count);
  return pump(already, already + count, [&](std::uint32_t index) { return start(index, first); });
}

outcome<> crowd::exchange_once() {
  return pump(0, static_cast<std::uint32_t>(members_.size()),
              [&](std::uint32_t index) { return members_[index].ask(); });
}

// Begins connections first to last - 1, and returns when all of them rest, or it is to stop.
outcome<> crowd::pump(std::uint32_t first, std::uint32_t last,
                      const std::function<outcome<>(std::uint32_t)>& begin) {
  std::uint32_t next = first;
  std::vector<std::uint32_t> under_way;
  auto heard_at = monotonic_now();
  while (next < last || !under_way.empty()) {
    const auto stop = hooks_.stopping(next - static_cast<std::uint32_t>(under_way.size()));
    if (!stop) return std::unexpected(stop.error());
    if (*stop) return {};
    for (; next < last && under_way.size() < plan_->connect_limit; ++next) {
      if (auto begun = begin(next); !begun) return begun;
      under_way.push_back(next);
    }
    const auto stepped = step(std::min<std::chrono::nanoseconds>(plan_->timeout, tick),
                              [](conversation&) { return outcome<>{}; });
    if (!stepped) return std::unexpected(stepped.error());
    const auto now = monotonic_now();
    if (*stepped) heard_at = now;
    if (now - heard_at >= plan_->timeout)
      return fail(fmt::format("{} of {} connections are stuck: {} was silent for {}",
                              under_way.size(), last - first, plan_->target.text,
                              seconds_text(plan_->timeout)));
    std::erase_if(under_way, [&](std::uint32_t index) { return members_[index].resting(); });
  }
  return {};
}

void crowd::close_all(closing style) {
  if (style == closing::reset)
    for (conversation& member : members_) member.end_with_reset();
  members_.clear();
}

}  // namespace cede::measure::load
