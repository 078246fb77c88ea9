#include "measure/compare/slice_trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/compare/hogged_load.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

using std::chrono::milliseconds;

contestant with_slice(contestant who, std::chrono::microseconds slice) {
  who.command.insert(who.command.end(), {"--slice", fmt::format("{}us", slice.count())});
  return who;
}

}  // namespace

outcome<slice_sample> measure_slice(const contestant& who, const slice_shape& shape,
                                    const ground& where) {
  constexpr milliseconds nearly_nothing{10};
  auto running = server::start(with_slice(who, shape.slice), where.server_cpus,
                               hogging{hog_byte, shape.during}, where.stop);
  if (!running) return std::unexpected(running.error());
  const auto before = running->counts();
  if (!before) return std::unexpected(before.error());
  const auto report = run_beside_hogs(*running,
                                      {.hogs = shape.computing,
                                       .others = shape.connections,
                                       .rate = shape.rate,
                                       .warm_up = shape.warm_up,
                                       .before = nearly_nothing,
                                       .settle = shape.settle},
                                      where);
  if (!report) return std::unexpected(report.error());
  const auto after = running->counts();
  if (!after) return std::unexpected(after.error());
  slice_sample sample;
  double seconds = 0;
  if (auto read = read_numbers(*report, {{"during/latency_us/p50", &sample.p50},
                                         {"during/latency_us/p99", &sample.p99},
                                         {"hogs_seconds", &seconds}});
      !read)
    return std::unexpected(read.error());
  if (after->hog_units == 0 || seconds <= 0) return fail("those that compute have done nothing");
  sample.units = static_cast<double>(after->hog_units) / seconds;
  sample.preemptions = static_cast<double>(after->preemptions - before->preemptions) / seconds;
  if (auto ended = running->end(); !ended) return std::unexpected(ended.error());
  return sample;
}

}  // namespace cede::measure::compare
