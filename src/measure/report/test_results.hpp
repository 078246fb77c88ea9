// Results for tests: every member filled in, with missing figures and awkward texts among them.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::report::test {

/// Three samples around a value.
inline figure around(double value, std::string_view unit) {
  return summarize({value * 1.1, value, value * 0.95}, unit);
}

inline memory_by_owner memory(double user, double tables, double stack, double slab) {
  return {.user = around(user, "B"),
          .page_tables = around(tables, "B"),
          .kernel_stack = around(stack, "B"),
          .slab = around(slab, "B"),
          .socket = missing("the slab cannot be read by this user", "B"),
          .total = around(user + tables + stack + slab, "B")};
}

inline load_point point(std::uint64_t connections, double factor) {
  return {.connections = connections,
          .idle = memory(4096 * factor, 128 * factor, 16384 * (factor - 1), 7000 * (factor - 1)),
          .after_messages = memory(8192 * factor, 128 * factor, 16384 * (factor - 1), 7000),
          .open_time = around(12 * factor, "us"),
          .messages_per_second = around(130'000 / factor, "messages/s"),
          .latency_p50 = around(7000 * factor, "us"),
          .latency_p99 = around(15'000 * factor, "us"),
          .latency_p999 = around(22'000 * factor, "us"),
          .server_cpu = around(7.4 * factor, "us"),
          .rate_ratio = around(1 / factor, "times"),
          .cpu_ratio = around(factor, "times"),
          .turns = {{0, 130'000 / factor, 7.4 * factor, false}, {0, 60'000, 7.4, true}},
          .voluntary_switches = around(0.01 + factor - 1, "switches/message"),
          .involuntary_switches = around(0.002, "switches/message"),
          .user_switches = missing("the runtime does not count them", "switches/message"),
          .paced_rate = around(60'000, "messages/s"),
          .paced_p50 = around(90 * factor, "us"),
          .paced_p99 = around(700 * factor, "us"),
          .paced_p999 = around(2100 * factor, "us")};
}

inline hog_outcome hogged(unsigned hogs, double during, double starved) {
  return {.hogs = hogs,
          .others = 100,
          .messages_before = around(150'000, "messages/s"),
          .messages_during = around(during, "messages/s"),
          .p99_before = around(1000, "us"),
          .p99_during = during > 0 ? around(2200, "us") : missing("nobody was answered", "us"),
          .kept = around(during / 1500, "%"),
          .starved = exact(starved, "connections"),
          .hog_share = around(starved > 0 ? 90 : 9, "%")};
}

inline subject one_kind(std::string name, std::string title, nature is, double factor) {
  return {.name = std::move(name),
          .title = std::move(title),
          .is = is,
          .at = {point(1000, factor), point(10'000, factor)},
          .churn = around(20'000 / factor, "connections/s"),
          .hogs = {hogged(1, is == nature::thread ? 120'000 : 0, is == nature::thread ? 0 : 100),
                   hogged(10, is == nature::thread ? 60'000 : 0, is == nature::thread ? 0 : 100)}};
}

inline bare_costs costs(std::string name, std::string title, nature is, double factor) {
  return {.name = std::move(name),
          .title = std::move(title),
          .is = is,
          .switch_one_way = around(2.5 * factor, "ns"),
          .yield = around(11 * factor, "ns"),
          .spawn_join = around(200 * factor, "ns"),
          .spawn_join_batch = around(150 * factor, "ns"),
          .wake_same_cpu = around(40 * factor, "ns"),
          .wake_other_cpu = missing("there is one CPU only", "ns")};
}

inline refill_curve curve(std::string name, std::string title, nature is, double base) {
  refill_curve result{.name = std::move(name), .title = std::move(title), .is = is};
  for (std::uint64_t bytes = 4096; bytes <= 4'194'304; bytes *= 4)
    result.points.push_back({.working_set = bytes,
                             .per_switch = around(base + static_cast<double>(bytes) / 100, "ns"),
                             .touch = around(static_cast<double>(bytes) / 50, "ns")});
  return result;
}

inline results sample() {
  results run;
  run.machine = {.cpu_model = "Example CPU <b>\"7\" & more</b>",
                 .cpus = 2,
                 .cpus_online = 2,
                 .memory_bytes = 8'000'000'000,
                 .page_bytes = 4096,
                 .l1d_bytes = 32'768,
                 .l2_bytes = 524'288,
                 .l3_bytes = 33'554'432,
                 .kernel = "Linux 6.18.0",
                 .libc = "glibc 2.36",
                 .compiler = "g++ 12.2.0 -O2",
                 .cede_version = "0.1.0",
                 .date = "2026-01-02T03:04:05Z",
                 .limits = {{"open files", "1,048,576"}, {"vm.max_map_count", "65,530"}}};
  run.plan = {.command = "cede compare --connections 1000,10000",
              .quick = false,
              .connections = {1000, 10'000},
              .seconds = 1.5,
              .repeats = 3,
              .workers = 1,
              .message_bytes = 64,
              .server_cpus = {0},
              .client_cpus = {1}};
  run.kinds = {one_kind("cooperative", "cooperative fibers", nature::fiber, 1),
               one_kind("os-thread", "OS threads", nature::thread, 2),
               {.name = "os-thread-fifo",
                .title = "OS threads, SCHED_FIFO",
                .is = nature::thread,
                .missing_because = "SCHED_FIFO is not permitted"}};
  for (const double slice : {1000.0, 10'000.0})
    run.kinds.front().slices.push_back(
        {.slice = slice,
         .work_per_second = around(950'000 + slice, "units/s"),
         .latency_p50 = around(slice / 2, "us"),
         .latency_p99 = around(slice * 1.5, "us"),
         .preemptions_per_second = around(1e6 / slice, "preemptions/s")});
  run.peers = {one_kind("raw-epoll", "epoll loop by hand", nature::loop, 1.01),
               {.name = "go",
                .title = "Go",
                .is = nature::fiber,
                .missing_because = "not installed: apt-get install golang-go"}};
  run.peers.front().version = "this tree";
  run.bare = {costs("cooperative", "cooperative fiber", nature::fiber, 1),
              costs("pthread", "bare pthread", nature::thread, 100),
              {.name = "pthread-fifo",
               .title = "bare pthread, SCHED_FIFO",
               .is = nature::thread,
               .missing_because = "SCHED_FIFO is not permitted"}};
  run.refill = {curve("cooperative", "cooperative fibers", nature::fiber, 15),
                curve("pthread", "bare pthreads", nature::thread, 900)};
  run.warnings = {{"machine", "another program used 40 % of the CPUs </script><script>alert(1)"},
                  {"client", "the client was saturated at 1,000 connections"}};
  run.seconds_taken = 151.5;
  return run;
}

/// Every number as large, and every text as long, as can be.
inline results extreme() {
  results run = sample();
  const std::string endless(300, 'W');
  const figure huge = summarize({std::numeric_limits<double>::max(), 1e-300, 1e15}, "B");
  run.machine.cpu_model = run.machine.kernel = run.machine.compiler = endless;
  run.plan.command = endless;
  run.warnings.push_back({endless, endless});
  for (subject& kind : run.kinds) {
    kind.title = endless;
    if (kind.missing_because) kind.missing_because = endless;
    kind.churn = huge;
    for (load_point& at : kind.at)
      at = {.connections = std::numeric_limits<std::uint64_t>::max(),
            .idle = {huge, huge, huge, huge, huge, huge},
            .after_messages = {huge, huge, huge, huge, huge, huge},
            .open_time = huge,
            .messages_per_second = huge,
            .latency_p50 = huge,
            .latency_p99 = huge,
            .latency_p999 = missing(endless),
            .server_cpu = huge,
            .rate_ratio = huge,
            .cpu_ratio = huge,
            .turns = {{4'000'000'000, 1e300, 1e300, true}},
            .voluntary_switches = huge,
            .involuntary_switches = huge,
            .user_switches = huge,
            .paced_rate = huge,
            .paced_p50 = huge,
            .paced_p99 = huge,
            .paced_p999 = huge};
    for (hog_outcome& hog : kind.hogs)
      hog = {4'000'000'000, 4'000'000'000, huge, huge, huge, huge, huge, huge, huge};
    for (slice_point& at : kind.slices) at = {1e300, huge, huge, huge, huge};
  }
  for (bare_costs& costs : run.bare) {
    costs.title = endless;
    costs.switch_one_way = costs.yield = costs.spawn_join = costs.wake_same_cpu = huge;
    costs.wake_other_cpu = missing(endless);
  }
  for (refill_curve& line : run.refill) {
    line.title = endless;
    for (refill_point& at : line.points) at = {~std::uint64_t{0}, huge, huge};
  }
  return run;
}

}  // namespace cede::measure::report::test
