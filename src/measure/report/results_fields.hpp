// The members of each struct of the results with their names in JSON, listed once for the writer
// and the reader alike. A new member of a struct in results.hpp is added here.
#pragma once

#include <concepts>
#include <type_traits>

#include "measure/report/results.hpp"
#include "measure/report/results_json.hpp"

namespace cede::measure::report {

template <class T, class Struct>
concept maybe_const = std::same_as<std::remove_const_t<T>, Struct>;

void visit_fields(auto& visit, maybe_const<named_text> auto& it) {
  visit("name", it.name);
  visit("value", it.value);
}

void visit_fields(auto& visit, maybe_const<machine_facts> auto& it) {
  visit("cpu_model", it.cpu_model);
  visit("cpus", it.cpus);
  visit("cpus_online", it.cpus_online);
  visit("memory_bytes", it.memory_bytes);
  visit("page_bytes", it.page_bytes);
  visit("l1d_bytes", it.l1d_bytes);
  visit("l2_bytes", it.l2_bytes);
  visit("l3_bytes", it.l3_bytes);
  visit("kernel", it.kernel);
  visit("libc", it.libc);
  visit("compiler", it.compiler);
  visit("cede_version", it.cede_version);
  visit("date", it.date);
  visit("limits", it.limits);
}

void visit_fields(auto& visit, maybe_const<run_plan> auto& it) {
  visit("command", it.command);
  visit("quick", it.quick);
  visit("connections", it.connections);
  visit("seconds", it.seconds);
  visit("repeats", it.repeats);
  visit("workers", it.workers);
  visit("message_bytes", it.message_bytes);
  visit("server_cpus", it.server_cpus);
  visit("client_cpus", it.client_cpus);
}

void visit_fields(auto& visit, maybe_const<memory_by_owner> auto& it) {
  visit("user", it.user);
  visit("page_tables", it.page_tables);
  visit("kernel_stack", it.kernel_stack);
  visit("slab", it.slab);
  visit("socket", it.socket);
  visit("total", it.total);
}

void visit_fields(auto& visit, maybe_const<turn_point> auto& it) {
  visit("round", it.round);
  visit("messages_per_second", it.messages_per_second);
  visit("server_cpu", it.server_cpu);
  visit("disturbed", it.disturbed);
}

void visit_fields(auto& visit, maybe_const<load_point> auto& it) {
  visit("connections", it.connections);
  visit("idle", it.idle);
  visit("after_messages", it.after_messages);
  visit("open_time", it.open_time);
  visit("messages_per_second", it.messages_per_second);
  visit("latency_p50", it.latency_p50);
  visit("latency_p99", it.latency_p99);
  visit("latency_p999", it.latency_p999);
  visit("server_cpu", it.server_cpu);
  visit("rate_ratio", it.rate_ratio);
  visit("cpu_ratio", it.cpu_ratio);
  visit("turns", it.turns);
  visit("voluntary_switches", it.voluntary_switches);
  visit("involuntary_switches", it.involuntary_switches);
  visit("user_switches", it.user_switches);
  visit("paced_rate", it.paced_rate);
  visit("paced_p50", it.paced_p50);
  visit("paced_p99", it.paced_p99);
  visit("paced_p999", it.paced_p999);
}

void visit_fields(auto& visit, maybe_const<hog_outcome> auto& it) {
  visit("hogs", it.hogs);
  visit("others", it.others);
  visit("messages_before", it.messages_before);
  visit("messages_during", it.messages_during);
  visit("p99_before", it.p99_before);
  visit("p99_during", it.p99_during);
  visit("kept", it.kept);
  visit("starved", it.starved);
  visit("hog_share", it.hog_share);
}

void visit_fields(auto& visit, maybe_const<slice_point> auto& it) {
  visit("slice", it.slice);
  visit("work_per_second", it.work_per_second);
  visit("latency_p50", it.latency_p50);
  visit("latency_p99", it.latency_p99);
  visit("preemptions_per_second", it.preemptions_per_second);
}

void visit_fields(auto& visit, maybe_const<subject> auto& it) {
  visit("name", it.name);
  visit("title", it.title);
  visit("is", it.is);
  visit("version", it.version);
  visit("missing_because", it.missing_because);
  visit("at", it.at);
  visit("churn", it.churn);
  visit("hogs", it.hogs);
  visit("slices", it.slices);
}

void visit_fields(auto& visit, maybe_const<bare_costs> auto& it) {
  visit("name", it.name);
  visit("title", it.title);
  visit("is", it.is);
  visit("missing_because", it.missing_because);
  visit("switch_one_way", it.switch_one_way);
  visit("yield", it.yield);
  visit("spawn_join", it.spawn_join);
  visit("spawn_join_batch", it.spawn_join_batch);
  visit("wake_same_cpu", it.wake_same_cpu);
  visit("wake_other_cpu", it.wake_other_cpu);
}

void visit_fields(auto& visit, maybe_const<refill_point> auto& it) {
  visit("working_set", it.working_set);
  visit("per_switch", it.per_switch);
  visit("touch", it.touch);
}

void visit_fields(auto& visit, maybe_const<refill_curve> auto& it) {
  visit("name", it.name);
  visit("title", it.title);
  visit("is", it.is);
  visit("missing_because", it.missing_because);
  visit("points", it.points);
}

void visit_fields(auto& visit, maybe_const<warning> auto& it) {
  visit("about", it.about);
  visit("text", it.text);
}

void visit_fields(auto& visit, maybe_const<bare_results> auto& it) {
  visit("bare", it.bare);
  visit("refill", it.refill);
  visit("warnings", it.warnings);
}

// The member `schema` comes before all others: whoever reads looks at it first.
void visit_fields(auto& visit, maybe_const<results> auto& it) {
  visit("seconds_taken", it.seconds_taken);
  visit("machine", it.machine);
  visit("plan", it.plan);
  visit("warnings", it.warnings);
  visit("kinds", it.kinds);
  visit("peers", it.peers);
  visit("bare", it.bare);
  visit("refill", it.refill);
}

}  // namespace cede::measure::report
