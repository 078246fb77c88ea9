#include "measure/load/team.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "measure/load/part.hpp"
#include "measure/load/process_part.hpp"

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds between_reports = std::chrono::milliseconds(100);

}  // namespace

team::~team() {
  for (member& one : members_) one.line = channel(io::owned_fd());
  for (member& one : members_) {
    if (one.thread.joinable()) one.thread.join();
    if (one.process > 0) end_process(one.process);
  }
}

outcome<> team::add(const connection_plan& plan, const std::string& program) {
  auto ends = channel::pair();
  if (!ends) return std::unexpected(ends.error());
  member one{.line = std::move(ends->first)};
  if (program.empty()) {
    one.thread =
        std::thread([far = std::move(ends->second)]() mutable { part(std::move(far)).serve(); });
  } else {
    const auto started = start_process(program, ends->second.socket());
    if (!started) return std::unexpected(started.error());
    one.process = *started;
  }
  members_.push_back(std::move(one));
  return tell(members_.size() - 1, message::setup{plan});
}

outcome<> team::tell(std::size_t index, const message::command& what) {
  member& one = members_[index];
  one.at_work = true;
  if (one.line.send(message::encode(what))) return {};
  return std::unexpected(why_gone(one));
}

bool team::at_work() const noexcept { return std::ranges::any_of(members_, &member::at_work); }

// A process may have been ended by others; a thread never ends before its leader.
failure team::why_gone(member& from) {
  if (from.process <= 0) return {"a part of the load has ended before its time"};
  return {how_it_ended(std::exchange(from.process, 0))};
}

outcome<> team::hear(member& from) {
  for (;;) {
    const auto line = from.line.try_receive();
    if (!line) return std::unexpected(why_gone(from));
    if (!*line) return {};
    auto reply = message::decode_reply(**line);
    if (!reply) return std::unexpected(reply.error());
    if (const auto* failed = std::get_if<message::failed>(&*reply)) return fail(failed->line);
    if (const auto* progress = std::get_if<message::progress>(&*reply)) {
      from.done = progress->done;
      continue;
    }
    from.at_work = false;
    if (const auto* settled = std::get_if<message::settled>(&*reply))
      from.done = settled->connections;
    from.answer = std::move(*reply);
  }
}

outcome<> team::wait_for_words(nanoseconds timeout) {
  std::vector<pollfd> ready;
  for (const member& one : members_)
    ready.push_back({.fd = one.line.socket(), .events = POLLIN, .revents = 0});
  ready.push_back({.fd = stop_asked_ ? -1 : onlooker_.stop_fd, .events = POLLIN, .revents = 0});
  const timespec limit{.tv_sec = timeout.count() / 1'000'000'000,
                       .tv_nsec = timeout.count() % 1'000'000'000};
  if (ppoll(ready.data(), ready.size(), &limit, nullptr) < 0)
    return errno == EINTR ? outcome<>{} : fail_with("ppoll", errno);
  if (ready.back().revents != 0) stop_asked_ = true;
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (ready[i].revents != 0)
      if (auto heard = hear(members_[i]); !heard) return heard;
  return {};
}

outcome<> team::listen(nanoseconds until, const std::function<bool()>& enough,
                       const std::function<void(std::uint64_t)>& report) {
  nanoseconds report_at{};
  while (!stop_asked_) {
    const nanoseconds now = monotonic_now();
    if (now >= report_at) {
      std::uint64_t done = 0;
      for (const member& one : members_) done += one.done;
      report(done);
      report_at = now + between_reports;
    }
    if (now >= until || enough()) return {};
    if (auto waited = wait_for_words(std::min(until, report_at) - now); !waited) return waited;
  }
  return {};
}

outcome<> team::stop() {
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (members_[i].at_work)
      if (auto told = tell(i, message::stop{}); !told) return told;
  while (at_work())
    if (auto waited = wait_for_words(between_reports); !waited) return waited;
  return {};
}

}  // namespace cede::measure::load
