#include "report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "json_object.hpp"

namespace bench::load {
namespace {

using std::chrono::nanoseconds;

double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double microseconds(double ns) { return ns / 1e3; }

double per_message(nanoseconds time, std::uint64_t messages) {
  return messages == 0 ? 0 : microseconds(static_cast<double>(time.count()) / messages);
}

json_object head(const char* mode, const target_plan& plan) {
  json_object object;
  object.add("mode", mode)
      .add("target", plan.target.text)
      .add("message_bytes", std::uint64_t{plan.size});
  return object;
}

json_object to_json(const memory_sample& sample) {
  json_object object;
  object.add("user_bytes", sample.user)
      .add("page_table_bytes", sample.page_tables)
      .add("resident_bytes", sample.resident)
      .add("threads", sample.threads);
  return object;
}

json_object to_json(const memory_growth& growth) {
  json_object object;
  object.add("user_bytes_per_connection", growth.user_per_connection())
      .add("page_table_bytes_per_connection", growth.page_tables_per_connection())
      .add("kernel_stack_bytes_per_connection", growth.kernel_stack_per_connection())
      .add("before", to_json(growth.before))
      .add("after", to_json(growth.after));
  return object;
}

json_object to_json(const histogram& latency) {
  const auto us = [&](double fraction) {
    return microseconds(static_cast<double>(latency.quantile(fraction)));
  };
  json_object object;
  object.add("p50", us(0.5)).add("p99", us(0.99)).add("p999", us(0.999));
  object.add("max", microseconds(static_cast<double>(latency.max())));
  object.add("mean", microseconds(latency.mean()));
  return object;
}

void add_opening(json_object& object, const idle_report& report) {
  object.add("connections", std::uint64_t{report.connections})
      .add("opening_seconds", seconds(report.opening));
  if (report.memory) object.add("memory", to_json(*report.memory));
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

std::string to_json_text(const target_plan& plan, const echo_report& report) {
  json_object object = head("echo", plan);
  add_opening(object, report.opened);
  object.add("seconds", seconds(report.duration))
      .add("messages", report.messages)
      .add("messages_per_second", static_cast<double>(report.messages) / seconds(report.duration))
      .add("connections_served", std::uint64_t{report.connections_served})
      .add("latency_us", to_json(report.latency))
      .add("client_cpu_us_per_message", per_message(report.client_cpu, report.messages));
  if (report.server_cpu)
    object.add("server_cpu_us_per_message", per_message(*report.server_cpu, report.messages));
  return object.text() + "\n";
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

std::string to_json_text(const target_plan& plan, const churn_report& report) {
  json_object object = head("churn", plan);
  object.add("rounds", std::uint64_t{report.rounds})
      .add("connections", report.connections)
      .add("seconds", seconds(report.duration))
      .add("connections_per_second",
           static_cast<double>(report.connections) / seconds(report.duration));
  if (report.memory.size() >= 2)
    object.add("before", to_json(report.memory.front()))
        .add("after_first", to_json(report.memory[1]))
        .add("after_last", to_json(report.memory.back()))
        .add("growth_percent", report.growth_percent());
  return object.text() + "\n";
}

}  // namespace

std::string render(const target_plan& plan, const echo_report& report, report_format format) {
  return format == report_format::json ? to_json_text(plan, report) : to_text(report);
}

std::string render(const target_plan& plan, const idle_report& report, report_format format) {
  if (format == report_format::text) return opening_text(report);
  json_object object = head("idle", plan);
  add_opening(object, report);
  return object.text() + "\n";
}

std::string render(const target_plan& plan, const churn_report& report, report_format format) {
  return format == report_format::json ? to_json_text(plan, report) : to_text(report);
}

}  // namespace bench::load
