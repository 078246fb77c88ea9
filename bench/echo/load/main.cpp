// The load client: `echo_load echo|idle|churn`. Ends with 0 only if every reply was right.

#include <fmt/format.h>

#include <cstdio>

#include "churn_run.hpp"
#include "descriptor_limit.hpp"
#include "echo_run.hpp"
#include "endpoint.hpp"
#include "idle_run.hpp"
#include "options.hpp"
#include "report.hpp"

namespace {

using namespace bench::load;

template <class Report>
outcome<> print(const options& chosen, const outcome<Report>& report) {
  if (!report) return std::unexpected(report.error());
  fmt::print("{}", render(chosen.plan, *report, chosen.format));
  return {};
}

outcome<> run_churn_within_growth(const options& chosen) {
  const auto report = run_churn(chosen.plan, chosen.churn);
  if (auto printed = print(chosen, report); !printed) return printed;
  if (!chosen.max_growth || report->growth_percent() <= *chosen.max_growth) return {};
  return fail(
      fmt::format("the server's resident memory grew by {:.1f} %, more than --max-growth {}",
                  report->growth_percent(), *chosen.max_growth));
}

outcome<> run(options& chosen) {
  auto target = resolve(chosen.host, chosen.port);
  if (!target) return std::unexpected(target.error());
  chosen.plan.target = *target;
  if (auto reserved = reserve_descriptors(chosen.plan.connections); !reserved) return reserved;
  switch (chosen.mode) {
    case mode::echo:
      return print(chosen, run_echo(chosen.plan, chosen.echo));
    case mode::idle:
      return print(chosen, run_idle(chosen.plan, chosen.idle));
    case mode::churn:
      return run_churn_within_growth(chosen);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  auto chosen = parse_or_exit(argc, argv);
  const auto result = run(chosen);
  if (result) return 0;
  fmt::print(stderr, "echo_load: {}\n", result.error().line);
  return 1;
}
