#include "measure/load/part.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace cede::measure::load {
namespace {

constexpr std::chrono::nanoseconds between_progress = std::chrono::milliseconds(100);

}  // namespace

void part::serve() {
  for (;;) {
    const auto line = leader_.receive();
    if (!line) return;
    const auto command = message::decode_command(*line);
    const auto reply =
        command ? execute(*command) : outcome<message::reply>(std::unexpected(command.error()));
    const message::reply said = reply ? *reply : message::failed{reply.error().line};
    // A late word to a command that has been carried out already asks for nothing.
    if (std::holds_alternative<message::progress>(said)) continue;
    if (!leader_.send(message::encode(said))) return;
  }
}

outcome<message::reply> part::execute(const message::command& what) {
  stopping_ = false;
  // What has come together with the command: nothing will wake us for it.
  if (auto heard = listen(); !heard) return std::unexpected(heard.error());
  return std::visit(
      [this](const auto& one) -> outcome<message::reply> {
        using command = std::remove_cvref_t<decltype(one)>;
        if constexpr (std::is_same_v<command, message::stop> ||
                      std::is_same_v<command, message::hogs_over>)
          return message::progress{};
        else
          return carry_out(one);
      },
      what);
}

outcome<message::reply> part::carry_out(const message::setup& what) {
  plan_ = what.plan;
  auto members =
      crowd::create(plan_, {.watched = leader_.socket(),
                            .readable = [this] { return listen(); },
                            .stopping = [this](std::uint32_t rested) { return tell(rested); }});
  if (!members) return std::unexpected(members.error());
  members_.emplace(std::move(*members));
  return message::settled{.connections = resting()};
}

outcome<message::reply> part::carry_out(const message::open& what) {
  const auto first = what.greet ? greeting::exchanged : greeting::omitted;
  if (auto opened = members_->open(what.first_number, what.connections, first); !opened)
    return std::unexpected(opened.error());
  return message::settled{.connections = resting()};
}

outcome<message::reply> part::carry_out(const message::exchange&) {
  const auto began = monotonic_now();
  if (auto exchanged = members_->exchange_once(); !exchanged)
    return std::unexpected(exchanged.error());
  return message::settled{.connections = resting(), .began = began, .ended = monotonic_now()};
}

outcome<message::reply> part::carry_out(const message::measure& what) {
  echo_loop loop(*members_, plan_, what);
  loop_ = &loop;
  auto tally = loop.run([this] { return stopping_; });
  loop_ = nullptr;
  if (!tally) return std::unexpected(tally.error());
  return message::measured{std::move(*tally)};
}

outcome<message::reply> part::carry_out(const message::close& what) {
  members_->close_all(what.reset ? closing::reset : closing::graceful);
  return message::settled{.connections = resting()};
}

std::uint32_t part::resting() {
  const auto all = members_->members();
  const auto rest = std::ranges::count_if(all, &conversation::resting);
  return static_cast<std::uint32_t>(rest);
}

// What the leader says while a command is carried out.
outcome<> part::listen() {
  for (;;) {
    const auto line = leader_.try_receive();
    if (!line) return std::unexpected(line.error());
    if (!*line) return {};
    const auto command = message::decode_command(**line);
    if (!command) return std::unexpected(command.error());
    if (std::holds_alternative<message::stop>(*command)) stopping_ = true;
    if (const auto* over = std::get_if<message::hogs_over>(&*command); over && loop_)
      loop_->learn(*over);
  }
}

// True: stop.
outcome<bool> part::tell(std::uint32_t rested) {
  const auto now = monotonic_now();
  if (now - told_at_ >= between_progress) {
    told_at_ = now;
    const auto told = leader_.send(message::encode(message::progress{rested}));
    if (!told) return std::unexpected(told.error());
  }
  return stopping_;
}

}  // namespace cede::measure::load
