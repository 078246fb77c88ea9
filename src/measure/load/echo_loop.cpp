#include "measure/load/echo_loop.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "measure/load/seconds_text.hpp"

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds longest_wait = std::chrono::milliseconds(100);

nanoseconds thread_cpu() noexcept {
  timespec value{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &value);
  return std::chrono::seconds(value.tv_sec) + nanoseconds(value.tv_nsec);
}

std::uint64_t age(nanoseconds from, nanoseconds to) noexcept {
  return static_cast<std::uint64_t>(std::max<nanoseconds::rep>((to - from).count(), 0));
}

}  // namespace

echo_loop::echo_loop(crowd& members, const connection_plan& plan, const message::measure& how)
    : members_(members),
      plan_(plan),
      when_(how.when),
      pace_(how.rate > 0 ? pacing::open_loop : pacing::closed_loop),
      interval_(how.rate > 0 ? 1e9 / how.rate : 0),
      offset_(how.offset) {}

void echo_loop::learn(const message::hogs_over& over) {
  when_.hogs_over = over.at;
  when_.end = over.end;
  when_.during_from = over.during_from;
  when_.during_to = over.during_to;
  count_put_off();
  boundary_ = {};  // looks anew
}

echo_loop::instant echo_loop::due(std::uint64_t number) const noexcept {
  return when_.begin +
         nanoseconds(std::llround((static_cast<double>(number) + offset_) * interval_));
}

std::uint64_t echo_loop::next_number(const conversation& member) const noexcept {
  const auto all = members_.members();
  return member.turn * all.size() + static_cast<std::uint64_t>(&member - all.data());
}

// A message that is due and part of the measurement, and that the connection has not sent.
bool echo_loop::wants_more(const conversation& member, instant now) const noexcept {
  if (!open()) return now < when_.end;
  const instant next = due(next_number(member));
  return next <= now && next < when_.end;
}

outcome<> echo_loop::ask(conversation& member, instant due_at, instant now) {
  member.due = due_at;
  member.asked_at = now;
  ++member.turn;
  if (outstanding_++ == 0) silent_since_ = now;
  return member.ask();
}

void echo_loop::begin() {
  // The kernel may otherwise wake us 50 us later than we ask for.
  if (open()) prctl(PR_SET_TIMERSLACK, 1UL);
  began_ = silent_since_ = monotonic_now();
  for (conversation& member : members_.members()) {
    member.turn = 0;
    member.replies = {};
  }
  started_ = open() ? members_.members().size() : 0;
}

// Of a closed loop, a few at a time: whoever sent on ten thousand connections before it looked at
// the first reply would be busy for a tenth of a second, and find all of them to be read then.
outcome<> echo_loop::start_more() {
  // Half as many as are under way: so all have begun after some three messages of each.
  const std::size_t few = std::max<std::size_t>(64, started_ / 2);
  const auto all = members_.members();
  const std::size_t enough = std::min(started_ + few, all.size());
  for (; started_ < enough; ++started_) {
    const instant now = monotonic_now();
    if (now >= when_.end) {
      started_ = all.size();
      return {};
    }
    if (auto asked = ask(all[started_], now, now); !asked) return asked;
  }
  return {};
}

// Connections that are still busy send theirs when their reply has come.
outcome<> echo_loop::send_what_is_due(instant now) {
  const auto all = members_.members();
  for (instant at = due(cursor_); at <= now && at < when_.end; at = due(++cursor_)) {
    conversation& member = all[cursor_ % all.size()];
    if (!member.resting() || next_number(member) != cursor_) continue;
    const instant sent = monotonic_now();
    if (when_.attributed(pace_, at, sent)) tally_.lateness.record(age(at, sent));
    if (auto asked = ask(member, at, sent); !asked) return asked;
  }
  return {};
}

void echo_loop::count(const arrival& reply) {
  if (const auto which = when_.arriving(reply.at)) {
    ++tally_.at(*which).messages;
    ++members_.members()[reply.index].replies[static_cast<std::size_t>(*which)];
  }
  if (const auto which = when_.attributed(pace_, reply.due, reply.at))
    tally_.at(*which).latency.record(age(reply.due, reply.at));
}

void echo_loop::count_put_off() {
  for (const arrival& reply : put_off_) count(reply);
  put_off_ = {};
}

// One look at the clock a message: a reply's arrival is also the start of the next message.
outcome<> echo_loop::answered(conversation& member) {
  const instant now = monotonic_now();
  silent_since_ = now;
  --outstanding_;
  ++tally_.messages_in_all;
  if (now >= boundary_) cross_boundaries(now);
  const arrival reply{static_cast<std::uint32_t>(&member - members_.members().data()), member.due,
                      now};
  if (window_ == window::during && when_.hogs_over == timetable::never)
    put_off_.push_back(reply);
  else
    count(reply);
  if (!wants_more(member, now)) return {};
  return ask(member, open() ? due(next_number(member)) : now, now);
}

void echo_loop::cross_boundaries(instant now) {
  const instant cpu = thread_cpu();
  if (window_) tally_.at(*window_).client_cpu += cpu - cpu_at_boundary_;
  cpu_at_boundary_ = cpu;
  window_ = when_.running(now);
  boundary_ = when_.next_boundary(now);
}

std::unexpected<failure> echo_loop::no_reply(std::size_t connections) const {
  return fail(fmt::format("{} of {} connections got no reply for {}: {} is stuck", connections,
                          members_.members().size(), seconds_text(plan_.timeout),
                          plan_.target.text));
}

outcome<> echo_loop::check_silence(instant now) const {
  // Who is kept waiting by hogs is not stuck.
  const bool hogged = when_.hogs && now >= when_.to && when_.hogs_over == timetable::never;
  if (outstanding_ == 0 || hogged) return {};
  const bool waited_for_hogs = when_.hogs && when_.hogs_over <= now;
  const instant since = waited_for_hogs ? std::max(silent_since_, when_.hogs_over) : silent_since_;
  if (now - since < plan_.timeout) return {};
  return no_reply(outstanding_);
}

bool echo_loop::finished(instant now) const noexcept {
  return now >= when_.end && outstanding_ == 0 && (!open() || due(cursor_) >= when_.end);
}

outcome<> echo_loop::wait(instant now) {
  instant until = std::min(now + longest_wait, boundary_);
  if (open() && now < when_.end) until = std::min(until, due(cursor_));
  if (started_ < members_.members().size()) until = now;
  auto stepped = members_.step(std::max(until - now, nanoseconds(0)),
                               [this](conversation& member) { return answered(member); });
  if (!stepped) return std::unexpected(stepped.error());
  return {};
}

// Every message must be answered, also those sent last; otherwise a connection that the server
// forgot would go unnoticed among the others.
outcome<> echo_loop::check_forgotten(instant now) const {
  const auto forgotten = std::ranges::count_if(members_.members(), [&](const auto& member) {
    return !member.resting() && now - member.asked_at >= plan_.timeout;
  });
  if (forgotten == 0) return {};
  return no_reply(static_cast<std::size_t>(forgotten));
}

// Of an open loop: what was due and has no reply, with its age so far. That can be hundreds of
// millions, so those that count alike are counted together.
void echo_loop::count_unanswered(instant now) {
  for (conversation& member : members_.members()) {
    if (!member.resting()) count_missed(member.due, member.due, 1, now);
    while (wants_more(member, now)) {
      const std::uint64_t count = alike(member, now);
      const instant first = due(next_number(member));
      member.turn += count - 1;
      count_missed(first, due(next_number(member)), count, now);
      ++member.turn;
    }
  }
}

void echo_loop::count_missed(instant first, instant last, std::uint64_t count, instant now) {
  const auto which = when_.attributed(pace_, first, now);
  if (!which) return;
  tally_.at(*which).latency.record_alike(age(last, now), age(first, now), count);
  tally_.at(*which).unanswered += count;
}

// How many of the connection's messages that are due, from its next one on, have an age of the same
// bucket and count in the same window.
std::uint64_t echo_loop::alike(const conversation& member, instant now) const noexcept {
  const instant first = due(next_number(member));
  const std::size_t bucket = histogram::bucket_of(age(first, now));
  instant last = now;
  if (bucket > 0)
    last -= nanoseconds(static_cast<std::int64_t>(histogram::upper_edge(bucket - 1)) + 1);
  for (const instant change :
       {when_.from, when_.to, when_.during_from, when_.during_to, when_.hogs_over, when_.end})
    if (change > first) last = std::min(last, change - nanoseconds(1));
  const double stride = interval_ * static_cast<double>(members_.members().size());
  auto count = 1 + static_cast<std::uint64_t>(
                       std::max(0.0, static_cast<double>((last - first).count())) / stride);
  // Due times are rounded to nanoseconds.
  const std::uint64_t step = members_.members().size();
  while (count > 1 && due(next_number(member) + (count - 1) * step) > last) --count;
  return count;
}

loop_tally echo_loop::finish(instant now) {
  cross_boundaries(now);
  if (!put_off_.empty()) {  // stopped while hogs were at work
    when_.during_from = when_.to;
    when_.during_to = now;
    count_put_off();
  }
  for (std::size_t i = 0; i < window_count; ++i)
    for (const conversation& member : members_.members())
      ++tally_.windows[i].connections_by_replies[member.replies[i]];
  tally_.lasted = silent_since_ - began_;
  tally_.ended = std::min(now, when_.end);
  return std::move(tally_);
}

outcome<loop_tally> echo_loop::run(const std::function<bool()>& stopping) {
  begin();
  for (;;) {
    const instant now = monotonic_now();
    if (now >= boundary_) cross_boundaries(now);
    if (stopping()) {
      if (open()) count_unanswered(now);
      return finish(now);
    }
    if (finished(now)) return finish(now);
    if (auto alive = check_silence(now); !alive) return std::unexpected(alive.error());
    if (when_.end != timetable::never && now >= when_.end + plan_.timeout) {
      if (auto heard = check_forgotten(now); !heard) return std::unexpected(heard.error());
      count_unanswered(now);
      return finish(now);
    }
    if (open())
      if (auto sent = send_what_is_due(now); !sent) return std::unexpected(sent.error());
    if (auto more = start_more(); !more) return std::unexpected(more.error());
    if (auto waited = wait(monotonic_now()); !waited) return std::unexpected(waited.error());
  }
}

}  // namespace cede::measure::load
