// Reports as text, for people: at most 80 columns.
#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "measure/load/report.hpp"

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double microseconds(double ns) { return ns / 1e3; }

double per_message(nanoseconds time, std::uint64_t messages) {
  return messages == 0 ? 0 : microseconds(static_cast<double>(time.count()) / messages);
}

std::string opening_text(const idle_report& report) {
  std::string text = fmt::format("opened       {} connections in {:.2f} s\n", report.connections,
                                 seconds(report.opening));
  if (report.memory)
    fmt::format_to(std::back_inserter(text),
                   "idle memory  {:.0f} B user + {:.0f} B page tables + {:.0f} B kernel stack "
                   "a connection\n",
                   report.memory->user_per_connection(),
                   report.memory->page_tables_per_connection(),
                   report.memory->kernel_stack_per_connection());
  return text;
}

}  // namespace

std::string to_text(const idle_report& report) { return opening_text(report); }

std::string to_text(const echo_report& report) {
  const auto us = [&](double fraction) {
    return microseconds(static_cast<double>(report.latency.quantile(fraction)));
  };
  std::string text = opening_text(report.opened);
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "messages     {} in {:.2f} s, {:.0f} a second, every byte checked\n",
                 report.messages, seconds(report.duration),
                 static_cast<double>(report.messages) / seconds(report.duration));
  fmt::format_to(out, "served       {} of {} connections\n", report.connections_served,
                 report.opened.connections);
  fmt::format_to(out, "latency      p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us, max {:.1f} us\n",
                 us(0.5), us(0.99), us(0.999),
                 microseconds(static_cast<double>(report.latency.max())));
  fmt::format_to(out, "client CPU   {:.2f} us a message\n",
                 per_message(report.client_cpu, report.messages));
  if (report.server_cpu)
    fmt::format_to(out, "server CPU   {:.2f} us a message\n",
                   per_message(*report.server_cpu, report.messages));
  return text;
}

std::string to_text(const churn_report& report) {
  std::string text =
      fmt::format("churn        {} connections in {} storms, {:.0f} a second, every byte checked\n",
                  report.connections, report.rounds,
                  static_cast<double>(report.connections) / seconds(report.duration));
  if (report.memory.size() < 2) return text;
  constexpr double kib = 1024;
  fmt::format_to(std::back_inserter(text),
                 "server RSS   {:.0f} KiB before, {:.0f} after the first storm, {:.0f} after the "
                 "last ({:+.1f} %)\n",
                 report.memory.front().resident / kib, report.memory[1].resident / kib,
                 report.memory.back().resident / kib, report.growth_percent());
  return text;
}

}  // namespace cede::measure::load
