#include "cli/load.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "measure/load/descriptor_limit.hpp"
#include "measure/load/endpoint.hpp"
#include "measure/load/report.hpp"

namespace cede::cli {
namespace {

using namespace measure::load;

int failed(const measure::load::failure& why) {
  print_error(why.line);
  return EXIT_FAILURE;
}

// A line of JSON, so that whoever reads finds nothing else on stdout.
outcome<> cue(stage reached) {
  if (!print(fmt::format(R"({{"stage":"{}"}})"
                         "\n",
                         name_of(reached))))
    return fail("standard output: nobody reads it any more");
  for (char next = 0; next != '\n';)
    if (const ssize_t got = ::read(STDIN_FILENO, &next, 1); got == 0)
      return fail(fmt::format("--cues: stdin ended at the stage '{}'", name_of(reached)));
  return {};
}

outcome<> prepare(load_options& options) {
  if (options.cues) options.plan.at_stage = &cue;
  auto target = resolve(options.host, options.port);
  if (!target) return std::unexpected(target.error());
  options.plan.target = *target;
  return reserve_descriptors(options.plan.connections);
}

template <class Report>
int show(const load_options& options, const Report& report) {
  const auto printed = print(
      options.format == report_format::json ? to_json_text(options.plan, report) : to_text(report));
  if (printed) return EXIT_SUCCESS;
  return failed(
      measure::load::failure{fmt::format("standard output: {}", printed.error().message())});
}

}  // namespace

int load_echo(load_echo_options options) {
  if (auto ready = prepare(options); !ready) return failed(ready.error());
  const auto report = run_echo(options.plan, options.echo);
  return report ? show(options, *report) : failed(report.error());
}

int load_idle(load_idle_options options) {
  if (auto ready = prepare(options); !ready) return failed(ready.error());
  const auto report = run_idle(options.plan, options.idle);
  return report ? show(options, *report) : failed(report.error());
}

int load_churn(load_churn_options options) {
  if (auto ready = prepare(options); !ready) return failed(ready.error());
  const auto report = run_churn(options.plan, options.churn);
  if (!report) return failed(report.error());
  const int code = show(options, *report);
  if (!options.max_growth || report->growth_percent() <= *options.max_growth) return code;
  return failed(measure::load::failure{
      fmt::format("the server's resident memory grew by {:.1f} %, more than --max-growth {:g}",
                  report->growth_percent(), *options.max_growth)});
}

}  // namespace cede::cli
