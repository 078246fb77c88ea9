#include "measure/compare/load_trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/client.hpp"
#include "measure/compare/process_sample.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using json = nlohmann::json;
using std::chrono::milliseconds;

// What is counted while nothing is under way; the difference of two belongs to the messages
// between.
struct counts {
  std::chrono::nanoseconds cpu{};
  kernel_switches kernel;
  std::optional<std::uint64_t> fiber;
};

outcome<counts> count(server& running, const contestant& who) {
  if (auto settled = running.settle(); !settled) return std::unexpected(settled.error());
  counts result;
  if (who.tells_counts) {
    const auto counted = running.counts();
    if (!counted) return std::unexpected(counted.error());
    result.fiber = counted->fiber_switches;
  }
  const auto kernel = switches_of_process(running.id());
  if (!kernel) return std::unexpected(kernel.error());
  const auto cpu = cpu_time_of(running.id());
  if (!cpu) return std::unexpected(cpu.error());
  result.kernel = *kernel;
  result.cpu = *cpu;
  return result;
}

std::string in_ms(milliseconds time) { return fmt::format("{}ms", time.count()); }

std::vector<std::string> words_of(const load_shape& shape, std::uint16_t port) {
  return {"echo",
          "--port",
          fmt::to_string(port),
          "--connections",
          fmt::to_string(shape.connections),
          "--warm-up",
          in_ms(shape.warm_up),
          "--duration",
          in_ms(shape.duration),
          "--settle",
          "0ms"};
}

struct loop {
  json report;
  counts before;
  counts after;
};

outcome<> pass(client& by, std::string_view stage) {
  if (auto reached = by.reach(stage); !reached) return reached;
  return by.go_on();
}

outcome<> count_at(std::string_view stage, client& by, server& running, const contestant& who,
                   counts& into) {
  if (auto reached = by.reach(stage); !reached) return reached;
  const auto counted = count(running, who);
  if (!counted) return std::unexpected(counted.error());
  into = *counted;
  return by.go_on();
}

outcome<loop> run_loop(server& running, const contestant& who,
                       const std::vector<std::string>& words, const ground& where) {
  auto by = client::start(where.program, words, where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  loop result;
  if (auto passed = pass(*by, "first-opened"); !passed) return std::unexpected(passed.error());
  if (auto counted = count_at("opened", *by, running, who, result.before); !counted)
    return std::unexpected(counted.error());
  if (auto counted = count_at("measured", *by, running, who, result.after); !counted)
    return std::unexpected(counted.error());
  auto report = by->finish();
  if (!report) return std::unexpected(report.error());
  result.report = std::move(*report);
  return result;
}

// Numbers of one report; the first that lacks is remembered, so that nobody needs to ask each time.
class reader {
 public:
  explicit reader(const json& report) : report_(report) {}

  double number(const std::string& path) {
    const auto found = number_in(report_, path);
    if (!found && !lacking_) lacking_ = found.error();
    return found.value_or(0);
  }
  latency_sample latency() {
    return {number("latency_us/p50"), number("latency_us/p99"), number("latency_us/p999")};
  }
  const std::optional<failure>& lacking() const noexcept { return lacking_; }

 private:
  const json& report_;
  std::optional<failure> lacking_;
};

double each(std::uint64_t before, std::uint64_t after, double messages) {
  return static_cast<double>(after - before) / messages;
}

outcome<load_sample> closed_sample(const loop& done) {
  reader from(done.report);
  load_sample sample{.open_time = from.number("opening_seconds") * 1e6 / from.number("connections"),
                     .messages_per_second = from.number("messages_per_second"),
                     .latency = from.latency(),
                     .client_busy = from.number("client_cpu_us_per_message") *
                                    from.number("messages_per_second") / 1e6};
  const double messages = from.number("messages_in_all");
  if (from.lacking()) return std::unexpected(*from.lacking());
  if (messages < 1) return fail("the client exchanged no message");
  const std::chrono::duration<double, std::micro> cpu = done.after.cpu - done.before.cpu;
  sample.server_cpu = cpu.count() / messages;
  sample.server_busy = sample.server_cpu * sample.messages_per_second / 1e6;
  const kernel_switches& was = done.before.kernel;
  const kernel_switches& is = done.after.kernel;
  sample.voluntary_switches = each(was.voluntary, is.voluntary, messages);
  sample.involuntary_switches = each(was.involuntary, is.involuntary, messages);
  if (done.before.fiber && done.after.fiber)
    sample.fiber_switches = each(*done.before.fiber, *done.after.fiber, messages);
  return sample;
}

outcome<paced_sample> paced(const loop& done, double rate) {
  reader from(done.report);
  const paced_sample sample{.wanted_rate = rate,
                            .achieved_rate = from.number("messages_per_second"),
                            .latency = from.latency()};
  if (from.lacking()) return std::unexpected(*from.lacking());
  return sample;
}

outcome<paced_sample> measure_paced(server& running, const contestant& who, const load_shape& shape,
                                    const ground& where) {
  std::vector<std::string> words = words_of(shape, running.port());
  words.insert(words.end(), {"--rate", fmt::format("{:.0f}", shape.rate)});
  const auto done = run_loop(running, who, words, where);
  return done ? paced(*done, shape.rate) : std::unexpected(done.error());
}

}  // namespace

outcome<load_trial> measure_load(const contestant& who, const load_shape& shape,
                                 const ground& where) {
  auto running = server::start(who, where.server_cpus, std::nullopt, where.stop);
  if (!running) return std::unexpected(running.error());
  const auto done = run_loop(*running, who, words_of(shape, running->port()), where);
  if (!done) return std::unexpected(done.error());
  const auto closed = closed_sample(*done);
  if (!closed) return std::unexpected(closed.error());
  load_trial result{*closed, std::nullopt};
  if (shape.rate > 0) {
    const auto measured = measure_paced(*running, who, shape, where);
    if (!measured) return std::unexpected(measured.error());
    result.paced = *measured;
  }
  if (auto ended = running->end(); !ended) return std::unexpected(ended.error());
  return result;
}

}  // namespace cede::measure::compare
