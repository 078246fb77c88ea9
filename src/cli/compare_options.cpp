// The flags of `cede compare`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <ranges>
#include <string>
#include <string_view>

#include "cli/compare.hpp"
#include "cli/list_values.hpp"
#include "cli/option_values.hpp"
#include "cli/text_option.hpp"
#include "measure/compare/peers.hpp"
#include "measure/compare/plan.hpp"

namespace cede::cli {
namespace {

using namespace measure::compare;

constexpr std::uint64_t most_connections = 1'000'000;

std::vector<std::string_view> peer_names() {
  std::vector<std::string_view> names;
  for (const measure::peer& one : measure::known_peers()) names.push_back(one.name);
  return names;
}

void add_contestants(CLI::App& to, compare_options& into) {
  add_text_option(
      to, "--kinds", "LIST",
      fmt::format("kinds of server to compare, of {} (default: all)",
                  fmt::join(std::views::transform(server_kinds(), &server_kind::name), ",")),
      [&into](std::string_view option, std::string_view text) {
        for (const std::string& word : parse_list(option, text))
          into.kinds.push_back(&parse_server_kind(option, word));
      });
  add_text_option(to, "--peers", "LIST",
                  fmt::format("other servers to compare with, of {}; built when first asked for",
                              fmt::join(peer_names(), ",")),
                  [&into](std::string_view option, std::string_view text) {
                    for (const std::string& word : parse_list(option, text)) {
                      const auto names = peer_names();
                      if (std::ranges::find(names, word) == names.end())
                        refuse_word(option, word, names);
                      into.peers.push_back(word);
                    }
                  });
}

void add_effort(CLI::App& to, compare_options& into) {
  add_text_option(to, "--connections", "LIST",
                  "numbers of connections to measure at (default: 1000,10000; quick: 1000)",
                  [&into](std::string_view option, std::string_view text) {
                    into.connections = parse_numbers(option, text, 1, most_connections);
                  });
  add_text_option(to, "--seconds", "S",
                  fmt::format("seconds of each measurement under load, {:g} to {:g} "
                              "(default: 0.6; quick: 0.3)",
                              least_seconds, most_seconds),
                  [&into](std::string_view option, std::string_view text) {
                    into.seconds = parse_fraction(option, text, least_seconds, most_seconds);
                  });
  add_text_option(to, "--rounds", "N", "times to measure everything, 1 to 100 (default: 3)",
                  [&into](std::string_view option, std::string_view text) {
                    into.rounds = static_cast<unsigned>(parse_number(option, text, 1, 100));
                  });
  to.add_flag("--quick", into.quick, "half a minute instead of three: fewer and shorter")
      ->disable_flag_override();
  to.add_flag_callback(
        "--no-bare", [&into] { into.bare = false; },
        "leave out what switching, spawning and waking cost without connections")
      ->disable_flag_override();
}

}  // namespace

CLI::App* add_compare(CLI::App& program, compare_options& into) {
  CLI::App* const verb = program.add_subcommand(
      "compare", "Measure what a connection costs as a thread and as a fiber, on this machine");
  add_contestants(*verb, into);
  add_effort(*verb, into);
  add_text_option(*verb, "--out", "DIR", "folder for report.json and report.html",
                  [&into](std::string_view option, const std::string& text) {
                    if (text.empty()) refuse_value(option, text, "the name of a folder");
                    into.folder = text;
                  });
  verb->add_flag_callback(
          "--json", [&into] { into.format = report_format::json; },
          "print the report as JSON instead of a table")
      ->disable_flag_override();
  return verb;
}

}  // namespace cede::cli
