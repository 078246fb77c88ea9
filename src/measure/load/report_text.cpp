// Reports as text, for people: at most 80 columns.
#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "measure/load/report.hpp"

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double per_message(nanoseconds time, std::uint64_t messages) {
  return messages == 0 ? 0
                       : static_cast<double>(time.count()) / 1e3 / static_cast<double>(messages);
}

template <class... Values>
void line(std::string& text, std::string_view name, fmt::format_string<Values...> format,
          const Values&... values) {
  fmt::format_to(std::back_inserter(text), "{:<13}{}\n", name,
                 fmt::vformat(format, fmt::make_format_args(values...)));
}

// Three digits that count, in the unit that suits.
std::string time_text(std::uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (value < 1e6) return fmt::format("{:.4g} us", value / 1e3);
  if (value < 1e9) return fmt::format("{:.4g} ms", value / 1e6);
  return fmt::format("{:.4g} s", value / 1e9);
}

void add_partial(std::string& text, bool partial) {
  if (partial) line(text, "PARTIAL", "it was stopped early: the figures end there");
}

void add_opening(std::string& text, const idle_report& report) {
  line(text, "opened", "{} connections in {:.2f} s, {} process{}", report.connections,
       seconds(report.opening), report.processes, report.processes == 1 ? "" : "es");
  if (report.memory)
    line(text, "idle memory", "{:.0f} B user + {:.0f} B page tables + {:.0f} B kernel stack each",
         report.memory->user_per_connection(), report.memory->page_tables_per_connection(),
         report.memory->kernel_stack_per_connection());
}

std::string quantiles(const histogram& latency) {
  return fmt::format("p50 {}, p90 {}, p99 {},", time_text(latency.quantile(0.5)),
                     time_text(latency.quantile(0.9)), time_text(latency.quantile(0.99)));
}

std::string far_quantiles(const histogram& latency) {
  return fmt::format("p99.9 {}, max {}", time_text(latency.quantile(0.999)),
                     time_text(latency.max()));
}

void add_answers(std::string& text, const window_report& report) {
  const window_tally& counted = report.counted;
  line(text, "messages", "{} in {:.2f} s, {:.0f} a second, every byte checked", counted.messages,
       seconds(report.duration), report.messages_per_second());
  if (counted.unanswered > 0)
    line(text, "unanswered", "{} of {} that were due: the server does not keep up",
         counted.unanswered, counted.latency.count());
  const reply_spread replies = report.replies();
  line(text, "served", "{} of {} connections; {} / {} / {} replies (min, median, max)",
       replies.served, replies.connections, replies.least, replies.median, replies.most);
  line(text, "latency", "{}", quantiles(counted.latency));
  line(text, "", "{}", far_quantiles(counted.latency));
}

void add_window(std::string& text, const window_report& report) {
  const window_tally& counted = report.counted;
  add_answers(text, report);
  line(text, "client CPU", "{:.2f} us a message",
       per_message(counted.client_cpu, counted.messages));
  if (report.server_cpu)
    line(text, "server CPU", "{:.2f} us a message",
         per_message(*report.server_cpu, counted.messages));
}

}  // namespace

std::string to_text(const idle_report& report) {
  std::string text;
  add_partial(text, report.partial);
  add_opening(text, report);
  return text;
}

std::string to_text(const echo_report& report) {
  std::string text;
  add_partial(text, report.partial);
  add_opening(text, report.opened);
  if (report.rate > 0) {
    line(text, "open loop", "{:.0f} messages a second, timed from when each was due", report.rate);
    line(text, "client late", "{}", quantiles(report.lateness));
    line(text, "", "{}", far_quantiles(report.lateness));
  }
  if (report.hogged) line(text, "-- before", "{} handlers hog", report.hogged->hogs);
  add_window(text, report.measured);
  if (!report.hogged) return text;
  line(text, "-- during", "all of them are at work");
  add_answers(text, report.hogged->during);
  line(text, "-- after", "they have replied");
  add_window(text, report.hogged->after);
  return text;
}

std::string to_text(const churn_report& report) {
  std::string text;
  add_partial(text, report.partial);
  line(text, "churn", "{} connections in {} storms, {:.0f} a second", report.connections,
       report.rounds, report.connections_per_second());
  if (report.memory.size() < 2) return text;
  constexpr double kib = 1024;
  const auto in_kib = [](const memory_sample& sample) {
    return static_cast<double>(sample.resident) / kib;
  };
  line(text, "server RSS",
       "{:.0f} KiB before, {:.0f} after the first storm, {:.0f} after all ({:+.1f} %)",
       in_kib(report.memory.front()), in_kib(report.memory[1]), in_kib(report.memory.back()),
       report.growth_percent());
  return text;
}

}  // namespace cede::measure::load
