#include "measure/load/echo_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "measure/load/seconds_text.hpp"

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

nanoseconds read_clock(clockid_t clock) noexcept {
  timespec value{};
  clock_gettime(clock, &value);
  return std::chrono::seconds(value.tv_sec) + nanoseconds(value.tv_nsec);
}

nanoseconds now() noexcept { return read_clock(CLOCK_MONOTONIC); }

class closed_loop {
 public:
  closed_loop(crowd& members, const target_plan& plan, std::optional<server_probe> probe,
              echo_report& report)
      : members_(members), plan_(plan), probe_(probe), report_(report) {}

  outcome<> begin();
  outcome<> run_until(nanoseconds end);
  outcome<> measure(nanoseconds duration);
  outcome<> drain();

 private:
  outcome<> answered(conversation& member);
  outcome<> ask(conversation& member, nanoseconds at);
  outcome<nanoseconds> server_cpu() const;
  outcome<> step(nanoseconds end);

  enum class phase { warm_up, measured, draining };

  crowd& members_;
  const target_plan& plan_;
  std::optional<server_probe> probe_;
  echo_report& report_;
  phase phase_ = phase::warm_up;
  std::size_t outstanding_ = 0;
  nanoseconds last_answer_{};
};

outcome<> closed_loop::begin() {
  last_answer_ = now();
  for (conversation& member : members_.members()) {
    if (auto asked = ask(member, now()); !asked) return asked;
    ++outstanding_;
  }
  return {};
}

outcome<> closed_loop::ask(conversation& member, nanoseconds at) {
  member.asked_at = at;
  return member.ask();
}

// One look at the clock a message: a reply's arrival is also the start of the next message.
outcome<> closed_loop::answered(conversation& member) {
  last_answer_ = now();
  ++report_.messages_in_all;
  if (phase_ == phase::measured) {
    report_.latency.record(static_cast<std::uint64_t>((last_answer_ - member.asked_at).count()));
    ++member.answers_counted;
  }
  if (phase_ != phase::draining) return ask(member, last_answer_);
  --outstanding_;
  return {};
}

outcome<> closed_loop::step(nanoseconds end) {
  const nanoseconds given_up = last_answer_ + plan_.timeout;
  const nanoseconds at = now();
  if (at >= given_up)
    return fail(fmt::format("no reply on any of {} connections for {}: {} is stuck", outstanding_,
                            seconds_text(plan_.timeout), plan_.target.text));
  auto stepped = members_.step(std::min(end, given_up) - at,
                               [this](conversation& member) { return answered(member); });
  if (!stepped) return std::unexpected(stepped.error());
  return {};
}

outcome<> closed_loop::run_until(nanoseconds end) {
  while (now() < end)
    if (auto stepped = step(end); !stepped) return stepped;
  return {};
}

outcome<nanoseconds> closed_loop::server_cpu() const {
  return probe_ ? probe_->cpu_time() : outcome<nanoseconds>{};
}

outcome<> closed_loop::measure(nanoseconds duration) {
  const auto server_before = server_cpu();
  if (!server_before) return std::unexpected(server_before.error());
  const nanoseconds client_before = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  const nanoseconds began = now();
  phase_ = phase::measured;
  if (auto ran = run_until(began + duration); !ran) return ran;
  phase_ = phase::draining;
  report_.duration = now() - began;
  report_.client_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - client_before;
  const auto server_after = server_cpu();
  if (!server_after) return std::unexpected(server_after.error());
  if (probe_) report_.server_cpu = *server_after - *server_before;
  return {};
}

// Every message must be answered, also those sent last; otherwise a connection that the server
// forgot would go unnoticed among the others.
outcome<> closed_loop::drain() {
  const nanoseconds end = now() + plan_.timeout;
  while (outstanding_ > 0) {
    if (now() >= end)
      return fail(fmt::format("{} of {} connections got no reply for {}", outstanding_,
                              plan_.connections, seconds_text(plan_.timeout)));
    if (auto stepped = step(end); !stepped) return stepped;
  }
  return {};
}

}  // namespace

outcome<echo_report> run_echo(const target_plan& plan, const echo_plan& echo) {
  auto members = crowd::create(plan, 0);
  if (!members) return std::unexpected(members.error());
  auto opened = open_and_weigh(*members, plan, greeting::exchanged, {.settle = echo.settle});
  if (!opened) return std::unexpected(opened.error());
  std::optional<server_probe> probe;
  if (plan.server_pid != 0) {
    auto attached = server_probe::attach(plan.server_pid);
    if (!attached) return std::unexpected(attached.error());
    probe = *attached;
  }

  echo_report report;
  report.opened = *opened;
  closed_loop loop(*members, plan, probe, report);
  if (auto begun = loop.begin(); !begun) return std::unexpected(begun.error());
  if (auto warm = loop.run_until(now() + echo.warm_up); !warm) return std::unexpected(warm.error());
  if (auto measured = loop.measure(echo.duration); !measured)
    return std::unexpected(measured.error());
  if (auto drained = loop.drain(); !drained) return std::unexpected(drained.error());
  if (auto seen = plan.reached(stage::measured); !seen) return std::unexpected(seen.error());
  report.messages = report.latency.count();
  report.connections_served = static_cast<std::uint32_t>(std::ranges::count_if(
      members->members(), [](const conversation& member) { return member.answers_counted > 0; }));
  return report;
}

}  // namespace cede::measure::load
