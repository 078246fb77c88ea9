// Reports as JSON, for scripts.
#include <chrono>
#include <nlohmann/json.hpp>

#include "measure/load/report.hpp"

namespace cede::measure::load {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::nanoseconds;

double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double microseconds(double ns) { return ns / 1e3; }

double per_message(nanoseconds time, std::uint64_t messages) {
  return messages == 0
             ? 0
             : microseconds(static_cast<double>(time.count()) / static_cast<double>(messages));
}

json head(const char* mode, const target_plan& plan, bool partial) {
  return {{"mode", mode},
          {"target", plan.target.text},
          {"message_bytes", plan.size},
          {"partial", partial}};
}

json to_json(const memory_sample& sample) {
  return {{"user_bytes", sample.user},
          {"page_table_bytes", sample.page_tables},
          {"resident_bytes", sample.resident},
          {"threads", sample.threads}};
}

json to_json(const memory_growth& growth) {
  return {{"user_bytes_per_connection", growth.user_per_connection()},
          {"page_table_bytes_per_connection", growth.page_tables_per_connection()},
          {"kernel_stack_bytes_per_connection", growth.kernel_stack_per_connection()},
          {"before", to_json(growth.before)},
          {"after", to_json(growth.after)}};
}

// Each bucket that is not empty: the largest value in it, and how many values.
json buckets(const histogram& latency) {
  json list = json::array();
  for (const auto& [bucket, count] : latency.unpacked().buckets)
    list.push_back(
        json::array({microseconds(static_cast<double>(histogram::upper_edge(bucket))), count}));
  return list;
}

json to_json(const histogram& latency) {
  const auto us = [&](double fraction) {
    return microseconds(static_cast<double>(latency.quantile(fraction)));
  };
  return {{"count", latency.count()},
          {"p50", us(0.5)},
          {"p90", us(0.9)},
          {"p99", us(0.99)},
          {"p999", us(0.999)},
          {"max", microseconds(static_cast<double>(latency.max()))},
          {"mean", microseconds(latency.mean())}};
}

json to_json(const reply_spread& replies) {
  return {{"connections", replies.connections},
          {"served", replies.served},
          {"min", replies.least},
          {"median", replies.median},
          {"max", replies.most}};
}

void add_window(json& object, const window_report& report) {
  object["seconds"] = seconds(report.duration);
  object["messages"] = report.counted.messages;
  object["messages_per_second"] = report.messages_per_second();
  object["unanswered"] = report.counted.unanswered;
  object["connections_served"] = report.replies().served;
  object["replies_per_connection"] = to_json(report.replies());
  object["latency_us"] = to_json(report.counted.latency);
  object["latency_us_buckets"] = buckets(report.counted.latency);
  object["client_cpu_seconds"] = seconds(report.counted.client_cpu);
  object["client_cpu_us_per_message"] =
      per_message(report.counted.client_cpu, report.counted.messages);
  if (!report.server_cpu) return;
  object["server_cpu_seconds"] = seconds(*report.server_cpu);
  object["server_cpu_us_per_message"] = per_message(*report.server_cpu, report.counted.messages);
}

json window_json(const window_report& report) {
  json object;
  add_window(object, report);
  return object;
}

// CPU times cover more than the messages that count here.
json during_json(const window_report& report) {
  json object = window_json(report);
  object.erase("client_cpu_us_per_message");
  object.erase("server_cpu_us_per_message");
  return object;
}

void add_opening(json& object, const idle_report& report) {
  object["connections"] = report.connections;
  object["processes"] = report.processes;
  object["opening_seconds"] = seconds(report.opening);
  if (report.memory) object["memory"] = to_json(*report.memory);
}

}  // namespace

std::string to_json_text(const target_plan& plan, const echo_report& report) {
  json object = head("echo", plan, report.partial);
  add_opening(object, report.opened);
  object["messages_in_all"] = report.messages_in_all;
  object["seconds_in_all"] = seconds(report.lasted);
  object["loop"] = report.rate > 0 ? "open" : "closed";
  if (report.rate > 0) {
    object["rate_per_second"] = report.rate;
    object["client_late_us"] = to_json(report.lateness);
  }
  add_window(object, report.measured);
  if (report.hogged) {
    object["hogs"] = report.hogged->hogs;
    object["hogs_seconds"] = seconds(report.hogged->lasted);
    object["during"] = during_json(report.hogged->during);
    object["after"] = window_json(report.hogged->after);
  }
  return object.dump() + "\n";
}

std::string to_json_text(const target_plan& plan, const idle_report& report) {
  json object = head("idle", plan, report.partial);
  add_opening(object, report);
  return object.dump() + "\n";
}

std::string to_json_text(const target_plan& plan, const churn_report& report) {
  json object = head("churn", plan, report.partial);
  object["processes"] = report.processes;
  object["rounds"] = report.rounds;
  object["connections"] = report.connections;
  object["seconds"] = seconds(report.duration);
  object["connections_per_second"] = report.connections_per_second();
  if (report.memory.size() >= 2) {
    object["before"] = to_json(report.memory.front());
    object["after_first"] = to_json(report.memory[1]);
    object["after_last"] = to_json(report.memory.back());
    object["growth_percent"] = report.growth_percent();
  }
  return object.dump() + "\n";
}

}  // namespace cede::measure::load
