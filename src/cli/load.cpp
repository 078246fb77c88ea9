#include "cli/load.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "cli/load_progress.hpp"
#include "cli/stop_signals.hpp"
#include "cli/turn_words.hpp"
#include "measure/load/endpoint.hpp"
#include "measure/load/process_part.hpp"
#include "measure/load/report.hpp"

namespace cede::cli {
namespace {

using namespace measure::load;

// One run of the load generator, as the program's user sees it.
class load_session {
 public:
  explicit load_session(load_options& options)
      : options_(options),
        progress_(options.quiet ? progress_line::display::none : progress_line::suitable()) {}

  outcome<> prepare();
  watch onlooker();
  /// Turns that lines on stdin ask for, until its end.
  turn_master turns(const echo_plan& usual);

  /// Prints the report, or why there is none, and returns the exit code.
  template <class Report>
  int conclude(const outcome<Report>& report);
  /// The turns have printed theirs.
  int conclude_turns(const outcome<idle_report>& opened);

  int fail_with_line(std::string_view line);

 private:
  outcome<> cue(stage reached);
  outcome<std::optional<std::string>> line_on_stdin();
  template <class Report>
  outcome<> show(const Report& report);
  int stopped();

  load_options& options_;
  stop_signals signals_;
  load_progress progress_;
};

outcome<> load_session::prepare() {
  if (auto subscribed = signals_.subscribe(); !subscribed)
    return fail(fmt::format("signals: {}", subscribed.error().message()));
  if (options_.cues) options_.plan.at_stage = [this](stage reached) { return cue(reached); };
  auto target = resolve(options_.host, options_.port);
  if (!target) return std::unexpected(target.error());
  options_.plan.target = *target;
  return {};
}

watch load_session::onlooker() {
  return {.progressed = [this](const progress& now) { progress_.show(now); },
          .stop_fd = signals_.fd()};
}

// A line of JSON, so that whoever reads finds nothing else on stdout.
outcome<> load_session::cue(stage reached) {
  if (!print(fmt::format(R"({{"stage":"{}"}})"
                         "\n",
                         name_of(reached))))
    return fail("standard output: nobody reads it any more");
  const auto told = line_on_stdin();
  if (!told) return std::unexpected(told.error());
  if (*told) return {};
  return fail(fmt::format("--cues: stdin ended at the stage '{}'", name_of(reached)));
}

// Nothing: its end. A signal to stop ends the wait, too, with an empty line: the run will notice by
// itself.
outcome<std::optional<std::string>> load_session::line_on_stdin() {
  for (std::string line;;) {
    std::array<pollfd, 2> ready{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                 {.fd = signals_.fd(), .events = POLLIN, .revents = 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR)
      return fail(fmt::format("standard input: {}", strerror(errno)));
    if (ready[1].revents != 0) return "";
    if (ready[0].revents == 0) continue;
    char next = 0;
    const ssize_t got = ::read(STDIN_FILENO, &next, 1);
    if (got < 0 && errno != EINTR) return fail(fmt::format("standard input: {}", strerror(errno)));
    if (got == 0) return std::nullopt;
    if (got > 0 && next == '\n') return line;
    if (got > 0) line += next;
  }
}

turn_master load_session::turns(const echo_plan& usual) {
  return {.next = [this, &usual]() -> outcome<std::optional<echo_plan>> {
            const auto line = line_on_stdin();
            if (!line) return std::unexpected(line.error());
            if (!*line || signals_.first() != 0) return std::nullopt;
            auto plan = plan_of_turn(**line, usual);
            if (!plan) return std::unexpected(plan.error());
            return *plan;
          },
          .done = [this](const echo_report& report) { return show(report); }};
}

int load_session::fail_with_line(std::string_view line) {
  progress_.clear();
  print_error(line);
  return EXIT_FAILURE;
}

template <class Report>
outcome<> load_session::show(const Report& report) {
  progress_.clear();
  const auto printed =
      print(options_.format == report_format::json ? to_json_text(options_.plan, report)
                                                   : to_text(report));
  if (!printed) return fail(fmt::format("standard output: {}", printed.error().message()));
  return {};
}

int load_session::stopped() {
  print_error(fmt::format("stopped by {}: the figures are those up to then", signals_.name()));
  return signals_.exit_code();
}

template <class Report>
int load_session::conclude(const outcome<Report>& report) {
  if (!report) return fail_with_line(report.error().line);
  if (auto shown = show(*report); !shown) return fail_with_line(shown.error().line);
  return report->partial ? stopped() : EXIT_SUCCESS;
}

int load_session::conclude_turns(const outcome<idle_report>& opened) {
  if (!opened) return fail_with_line(opened.error().line);
  progress_.clear();
  return opened->partial || signals_.first() != 0 ? stopped() : EXIT_SUCCESS;
}

}  // namespace

int load_echo(load_echo_options options) {
  load_session session(options);
  if (auto ready = session.prepare(); !ready) return session.fail_with_line(ready.error().line);
  if (options.turns)
    return session.conclude_turns(
        run_turns(options.plan, options.echo, session.turns(options.echo), session.onlooker()));
  return session.conclude(run_echo(options.plan, options.echo, session.onlooker()));
}

int load_idle(load_idle_options options) {
  load_session session(options);
  if (auto ready = session.prepare(); !ready) return session.fail_with_line(ready.error().line);
  return session.conclude(run_idle(options.plan, options.idle, session.onlooker()));
}

int load_churn(load_churn_options options) {
  load_session session(options);
  if (auto ready = session.prepare(); !ready) return session.fail_with_line(ready.error().line);
  const auto report = run_churn(options.plan, options.churn, session.onlooker());
  const int code = session.conclude(report);
  if (code != EXIT_SUCCESS || !options.max_growth ||
      report->growth_percent() <= *options.max_growth)
    return code;
  return session.fail_with_line(
      fmt::format("the server's resident memory grew by {:.1f} %, more than --max-growth {:g}",
                  report->growth_percent(), *options.max_growth));
}

int load_part() {
  const auto served = run_process_part();
  if (served) return EXIT_SUCCESS;
  print_error(served.error().line);
  return EXIT_FAILURE;
}

}  // namespace cede::cli
