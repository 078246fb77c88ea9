#include "cli/report.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

#include "cli/output.hpp"
#include "cli/text_option.hpp"
#include "cli/usage_error.hpp"
#include "measure/report/terminal_table.hpp"
#include "measure/report/write_report.hpp"

namespace cede::cli {

CLI::App* add_report(CLI::App& program, report_options& into) {
  CLI::App* const verb = program.add_subcommand(
      "report", "Make report.html anew from a report.json of 'cede compare'");
  verb->add_option_function<std::string>(
          "file", [&into](const std::string& text) { into.file = text; }, "a report.json")
      ->type_name("FILE.json");
  add_text_option(*verb, "--out", "DIR", "folder for report.html and report.json (default: .)",
                  [&into](std::string_view option, const std::string& text) {
                    if (text.empty())
                      throw usage_error(fmt::format("{} is empty: give a folder", option));
                    into.folder = text;
                  });
  verb->parse_complete_callback([&into] {
    if (into.file.empty()) throw usage_error("no file given: name a report.json of 'cede compare'");
  });
  return verb;
}

int report(const report_options& options) {
  const auto run = measure::report::read_report(options.file);
  if (!run) {
    print_error(run.error());
    return EXIT_FAILURE;
  }
  const auto written = measure::report::write_report(*run, options.folder);
  if (!written) {
    print_error(written.error());
    return EXIT_FAILURE;
  }
  const auto printed = print(fmt::format(
      "{}\nThe page: {}\n", measure::report::terminal_table(*run), written->page.string()));
  if (printed) return EXIT_SUCCESS;
  print_error(fmt::format("standard output: {}", printed.error().message()));
  return EXIT_FAILURE;
}

}  // namespace cede::cli
