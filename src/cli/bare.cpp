#include "cli/bare.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "measure/report/results_json.hpp"
#include "measure/report/terminal_table.hpp"

namespace cede::cli {

CLI::App* add_bare(CLI::App& program, bare_options& into) {
  CLI::App* const verb = program.add_subcommand(
      "bare", "Measure what switching, spawning and waking cost, without connections");
  verb->add_flag_callback(
          "--quick", [&into] { into.how_deep = measure::bare::depth::quick; },
          "fewer and shorter samples, about 3 s instead of 10 s")
      ->disable_flag_override();
  verb->add_flag_callback(
          "--json", [&into] { into.format = report_format::json; }, "print one JSON object")
      ->disable_flag_override();
  return verb;
}

int bare(const bare_options& options) {
  const auto found = measure::bare::measure(options.how_deep);
  if (!found) {
    print_error(fmt::format("bare costs: {}", found.error()));
    return EXIT_FAILURE;
  }
  const auto printed =
      print(options.format == report_format::json ? measure::report::to_json(*found)
                                                  : measure::report::terminal_table(*found));
  if (printed) return EXIT_SUCCESS;
  print_error(fmt::format("standard output: {}", printed.error().message()));
  return EXIT_FAILURE;
}

}  // namespace cede::cli
