#include "measure/compare/slice_trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "measure/compare/hogged_load.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using std::chrono::milliseconds;

contestant with_slice(contestant who, std::chrono::microseconds slice) {
  who.command.insert(who.command.end(), {"--slice", fmt::format("{}us", slice.count())});
  return who;
}

// What is done between two looks, the first of them when the hogs have come and settled.
struct two_looks {
  server_counts first;
  server_counts last;

  [[nodiscard]] double a_second(std::uint64_t server_counts::* which) const noexcept {
    const std::chrono::duration<double> between = last.at - first.at;
    return static_cast<double>(last.*which - first.*which) / between.count();
  }
};

outcome<server_counts> first_work_of_hogs(server& running) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const auto counted = running.counts();
    if (!counted || counted->hog_units != 0) return counted;
    if (std::chrono::steady_clock::now() > end) return fail("those that compute do nothing");
    std::this_thread::sleep_for(milliseconds(2));
  }
}

outcome<> look_twice(server& running, const slice_shape& shape, two_looks& into) {
  if (auto begun = first_work_of_hogs(running); !begun) return std::unexpected(begun.error());
  std::this_thread::sleep_for(shape.settle);
  for (server_counts* const look : {&into.first, &into.last}) {
    const auto counted = running.counts();
    if (!counted) return std::unexpected(counted.error());
    *look = *counted;
    if (look == &into.first) std::this_thread::sleep_for((shape.during - shape.settle) * 3 / 4);
  }
  return {};
}

}  // namespace

outcome<slice_sample> measure_slice(const contestant& who, const slice_shape& shape,
                                    const ground& where) {
  constexpr milliseconds nearly_nothing{10};
  auto running = server::start(with_slice(who, shape.slice), where.server_cpus,
                               hogging{hog_byte, shape.during}, where.stop);
  if (!running) return std::unexpected(running.error());
  two_looks looks;
  const auto report = run_beside_hogs(*running,
                                      {.hogs = shape.computing,
                                       .others = shape.connections,
                                       .rate = shape.rate,
                                       .warm_up = shape.warm_up,
                                       .before = nearly_nothing,
                                       .settle = shape.settle},
                                      where, [&] { return look_twice(*running, shape, looks); });
  if (!report) return std::unexpected(report.error());
  slice_sample sample;
  if (auto read = read_numbers(*report, {{"during/latency_us/p50", &sample.p50},
                                         {"during/latency_us/p99", &sample.p99}});
      !read)
    return std::unexpected(read.error());
  sample.units = looks.a_second(&server_counts::hog_units);
  sample.preemptions = looks.a_second(&server_counts::preemptions);
  if (auto ended = running->end(); !ended) return std::unexpected(ended.error());
  return sample;
}

}  // namespace cede::measure::compare
