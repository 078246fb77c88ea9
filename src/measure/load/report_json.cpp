// Reports as JSON, for scripts.
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "measure/load/report.hpp"

namespace cede::measure::load {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::nanoseconds;

double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double microseconds(double ns) { return ns / 1e3; }

double per_message(nanoseconds time, std::uint64_t messages) {
  return messages == 0 ? 0 : microseconds(static_cast<double>(time.count()) / messages);
}

json head(const char* mode, const target_plan& plan) {
  return {{"mode", mode}, {"target", plan.target.text}, {"message_bytes", plan.size}};
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

json to_json(const histogram& latency) {
  const auto us = [&](double fraction) {
    return microseconds(static_cast<double>(latency.quantile(fraction)));
  };
  return {{"p50", us(0.5)},
          {"p90", us(0.9)},
          {"p99", us(0.99)},
          {"p999", us(0.999)},
          {"max", microseconds(static_cast<double>(latency.max()))},
          {"mean", microseconds(latency.mean())}};
}

void add_opening(json& object, const idle_report& report) {
  object["connections"] = report.connections;
  object["opening_seconds"] = seconds(report.opening);
  if (report.memory) object["memory"] = to_json(*report.memory);
}

}  // namespace

std::string to_json_text(const target_plan& plan, const echo_report& report) {
  json object = head("echo", plan);
  add_opening(object, report.opened);
  object["seconds"] = seconds(report.duration);
  object["messages"] = report.messages;
  object["messages_per_second"] = static_cast<double>(report.messages) / seconds(report.duration);
  object["messages_in_all"] = report.messages_in_all;
  object["connections_served"] = report.connections_served;
  object["latency_us"] = to_json(report.latency);
  object["client_cpu_us_per_message"] = per_message(report.client_cpu, report.messages);
  if (report.server_cpu)
    object["server_cpu_us_per_message"] = per_message(*report.server_cpu, report.messages);
  return object.dump() + "\n";
}

std::string to_json_text(const target_plan& plan, const idle_report& report) {
  json object = head("idle", plan);
  add_opening(object, report);
  return object.dump() + "\n";
}

std::string to_json_text(const target_plan& plan, const churn_report& report) {
  json object = head("churn", plan);
  object["rounds"] = report.rounds;
  object["connections"] = report.connections;
  object["seconds"] = seconds(report.duration);
  object["connections_per_second"] =
      static_cast<double>(report.connections) / seconds(report.duration);
  if (report.memory.size() >= 2) {
    object["before"] = to_json(report.memory.front());
    object["after_first"] = to_json(report.memory[1]);
    object["after_last"] = to_json(report.memory.back());
    object["growth_percent"] = report.growth_percent();
  }
  return object.dump() + "\n";
}

}  // namespace cede::measure::load
