#include "cli/compare.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ranges>

#include "cli/output.hpp"
#include "cli/usage_error.hpp"
#include "cli/version.hpp"
#include "measure/compare/comparison.hpp"
#include "measure/compare/limits.hpp"
#include "measure/compare/peers.hpp"
#include "measure/report/results_json.hpp"
#include "measure/report/terminal_table.hpp"
#include "measure/report/write_report.hpp"

namespace cede::cli {
namespace {

using namespace measure::compare;
namespace fs = std::filesystem;

// Where the program lies; if it has been replaced meanwhile, what still runs.
std::string own_program() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  return !error && fs::exists(path, error) ? path.string() : "/proc/self/exe";
}

effort effort_of(const compare_options& options) {
  std::vector<std::uint64_t> connections = options.connections;
  if (connections.empty())
    connections =
        options.quick ? std::vector<std::uint64_t>{1000} : std::vector<std::uint64_t>{1000, 10'000};
  std::ranges::sort(connections);
  effort how =
      make_effort(std::move(connections), options.seconds.value_or(options.quick ? 0.3 : 0.6),
                  options.rounds.value_or(3));
  if (options.quick) how.hog_rounds = 1;
  return how;
}

std::vector<contestant> kinds_of(const compare_options& options, const std::string& program) {
  std::vector<contestant> list;
  for (const server_kind& kind : server_kinds()) {
    if (!options.kinds.empty() && std::ranges::find(options.kinds, &kind) == options.kinds.end())
      continue;
    list.push_back({.name = std::string(kind.name),
                    .title = std::string(kind.title),
                    .is = kind.is,
                    .command = {program, "serve", "echo", "--kind", std::string(kind.name)},
                    .tells_counts = true,
                    .takes_slices = kind.value == echo_kind::preemptive});
  }
  return list;
}

// Whoever has taken the user's minutes must be able to give the result.
void require_writable(const std::string& folder) {
  const auto refuse = [&folder](const std::string& why) {
    throw usage_error(fmt::format("--out is '{}': {}; choose another folder", folder, why));
  };
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) refuse(error.message());
  if (!fs::is_directory(folder, error)) refuse("Not a directory");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) refuse(std::strerror(errno));
}

void require_room(const effort& how) {
  const machine_limits limits = limits_here();
  for (const std::uint64_t connections : how.connections)
    if (const auto why = too_many_for_all(connections, limits))
      throw usage_error(fmt::format("--connections: {}", *why));
}

measure::report::subject absent(const std::string& name, const std::string& why) {
  const auto known = measure::known_peers();
  const auto found = std::ranges::find(known, name, &measure::peer::name);
  return {.name = name,
          .title = found == known.end() ? name : std::string(found->title),
          .is = measure::report::nature::loop,
          .missing_because = why};
}

measure::report::nature nature_of(std::string_view peer) {
  using measure::report::nature;
  if (peer == "go") return nature::fiber;
  if (peer == "tokio" || peer == "asio") return nature::task;
  return peer == "raw-threads" ? nature::thread : nature::loop;
}

void add_peers(const compare_options& options, comparison& to) {
  if (options.peers.empty()) return;
  const measure::peer_places places = measure::find_peer_places();
  for (const std::string& name : options.peers) {
    const auto ready =
        measure::prepare_peer(name, places, [](std::string_view line) { print_error(line); });
    if (ready) {
      to.peers.push_back({.name = ready->name,
                          .title = ready->title,
                          .is = nature_of(name),
                          .version = ready->version,
                          .command = ready->command});
      continue;
    }
    print_error(ready.error().line);
    to.absent_peers.push_back(absent(name, ready.error().line));
  }
}

// The words that give the same run again, with what was left out.
std::string command_of(const compare_options& options, const comparison& what) {
  std::string command =
      fmt::format("cede compare --connections {} --seconds {:g} --rounds {}",
                  fmt::join(what.how.connections, ","),
                  std::chrono::duration<double>(what.how.duration).count(), what.how.rounds);
  if (options.quick) command += " --quick";
  if (!options.kinds.empty())
    command += fmt::format(" --kinds {}",
                           fmt::join(std::views::transform(what.kinds, &contestant::name), ","));
  if (!options.peers.empty()) command += fmt::format(" --peers {}", fmt::join(options.peers, ","));
  if (!options.bare) command += " --no-bare";
  return command;
}

comparison::bare_costs bare_of(const compare_options& options) {
  if (!options.bare) return comparison::bare_costs::none;
  return options.quick ? comparison::bare_costs::quick : comparison::bare_costs::full;
}

int give_up(const measure::compare::failure& why) {
  print_error(why.line);
  return EXIT_FAILURE;
}

// As a shell has it for a program that a signal has ended.
int give_up(const measure::compare::failure& why, const interruption& stop) {
  const int code = give_up(why);
  return why.why == cause::interrupted && stop.number() != 0 ? 128 + stop.number() : code;
}

int show(const compare_options& options, const measure::report::results& found) {
  const std::string text = options.format == report_format::json
                               ? measure::report::to_json(found)
                               : measure::report::terminal_table(found);
  if (const auto printed = print(text); !printed)
    return give_up({cause::failed, fmt::format("standard output: {}", printed.error().message())});
  return EXIT_SUCCESS;
}

outcome<measure::report::results> run_shown(const comparison& what, const ground& where) {
  progress shown(STDERR_FILENO);
  return run(what, where, shown);
}

}  // namespace

int compare(const compare_options& options) {
  comparison what;
  what.how = effort_of(options);
  what.quick = options.quick;
  require_room(what.how);
  if (options.folder) require_writable(*options.folder);
  const std::string program = own_program();
  what.kinds = kinds_of(options, program);
  what.bare = bare_of(options);
  what.cede_version = version();
  add_peers(options, what);
  what.command = command_of(options, what);

  const auto stop = interruption::watch();
  if (!stop) return give_up(stop.error());
  const auto found = run_shown(what, ground_here(program, *stop));
  if (!found) return give_up(found.error(), *stop);
  // Shown in any case: a disk that has filled meanwhile does not cost the user the figures.
  const int shown = show(options, *found);
  if (options.folder)
    if (const auto written = measure::report::write_report(*found, *options.folder); !written)
      return give_up({cause::failed, written.error()});
  return shown;
}

}  // namespace cede::cli
