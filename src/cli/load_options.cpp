// The flags of `cede load echo`, `idle` and `churn`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <string>
#include <string_view>

#include "cli/load.hpp"
#include "cli/option_values.hpp"
#include "cli/text_option.hpp"

namespace cede::cli {
namespace {

using namespace measure::load;
using std::chrono::nanoseconds;

constexpr std::uint32_t most_connections = 1'000'000;
constexpr std::uint32_t most_bytes = 1 << 24;

constexpr std::array<choice<closing>, 2> closings{
    {{"graceful", closing::graceful}, {"reset", closing::reset}}};

// A whole number in `value`, whose default is what stands there.
template <class T>
void add_number(CLI::App& to, const std::string& option, const std::string& text, T& value,
                std::uint64_t least, std::uint64_t most) {
  add_text_option(to, option, "N", fmt::format("{} (default: {})", text, value),
                  [&value, least, most](std::string_view name, std::string_view given) {
                    value = static_cast<T>(parse_number(name, given, least, most));
                  });
}

void add_duration(CLI::App& to, const std::string& option, const std::string& text,
                  nanoseconds& value, std::chrono::milliseconds initial) {
  value = initial;
  add_text_option(to, option, "TIME", fmt::format("{} (default: {}ms)", text, initial.count()),
                  [&value](std::string_view name, std::string_view given) {
                    value = parse_duration(name, given);
                  });
}

void check_common(const load_options& into) {
  if (into.port == 0) throw usage_error("--port is missing: give the port of the server");
  if (into.host.empty()) throw usage_error("--host is empty: give an address or a name");
  if (into.plan.timeout <= nanoseconds{})
    throw usage_error("--timeout is 0: no server answers in no time; give some, such as 10s");
}

void add_common(CLI::App& to, load_options& into) {
  target_plan& plan = into.plan;
  plan.connections = 1000;
  add_text_option(to, "--host", "ADDRESS", "address or name of the server (default: 127.0.0.1)",
                  [&into](std::string_view, const std::string& text) { into.host = text; });
  add_text_option(to, "--port", "PORT", "port of the server; must be given",
                  [&into](std::string_view option, std::string_view text) {
                    into.port = static_cast<std::uint16_t>(parse_number(option, text, 1, 65535));
                  });
  add_number(to, "--connections", "connections open at once, 1 to 1000000", plan.connections, 1,
             most_connections);
  add_number(to, "--size", "bytes of a message, 1 to 16777216", plan.size, 1, most_bytes);
  add_number(to, "--connect-limit", "connections under way at once, 1 to 100000",
             plan.connect_limit, 1, 100'000);
  add_duration(to, "--timeout", "silence of the server that counts as a fault", plan.timeout,
               std::chrono::seconds(10));
  add_text_option(to, "--server-pid", "PID", "process whose CPU time and memory to measure",
                  [&plan](std::string_view option, std::string_view text) {
                    plan.server_pid = static_cast<int>(parse_number(option, text, 1, 1 << 22));
                  });
  add_text_option(to, "--processes", "N",
                  "processes to share the connections, 1 to 1024, or auto: as few as the limit of "
                  "open files allows (default: auto)",
                  [&plan](std::string_view option, std::string_view text) {
                    if (text != "auto")
                      plan.processes =
                          static_cast<std::uint32_t>(parse_number(option, text, 1, 1024));
                  });
  to.add_flag("--quiet", into.quiet, "do not show on stderr how far it is")
      ->disable_flag_override();
  to.add_flag_callback(
        "--json", [&into] { into.format = report_format::json; }, "print one JSON object")
      ->disable_flag_override();
  to.add_flag("--cues", into.cues,
              "print a line when connections are open, when they are measured and so on, and wait "
              "for a line on stdin each time")
      ->disable_flag_override();
  to.parse_complete_callback([&into] { check_common(into); });
}

void choose(exchanges& into, exchanges value) {
  if (into != exchanges::always && into != value)
    throw usage_error(
        "--no-echo sends no message, --late-echo sends one at the end: leave out one of them");
  into = value;
}

void add_exchanges(CLI::App& idle, exchanges& into) {
  idle.add_flag_callback(
          "--no-echo", [&into] { choose(into, exchanges::never); },
          "send no message on any connection")
      ->disable_flag_override();
  idle.add_flag_callback(
          "--late-echo", [&into] { choose(into, exchanges::late); },
          "send no message before the second look at memory")
      ->disable_flag_override();
}

void add_hogs(CLI::App& echo, load_echo_options& into) {
  add_text_option(
      echo, "--hogs", "N",
      "further connections that make the server hog its CPU once --duration is over, 1 to "
      "10000; the others are measured before, while and after",
      [&into](std::string_view option, std::string_view text) {
        into.echo.hogs = static_cast<std::uint32_t>(parse_number(option, text, 1, 10'000));
      });
  add_text_option(
      echo, "--hog-byte", "BYTE",
      "how the first message of a hog begins, as 'cede serve echo --hog-byte' was told: a "
      "character or 0xNN; the others begin with another byte",
      [&into](std::string_view option, std::string_view text) {
        into.plan.hog_byte = parse_byte(option, text);
      });
  add_duration(echo, "--hog-limit", "silence towards the hogs that counts as a fault",
               into.echo.hog_limit, std::chrono::minutes(1));
  add_duration(echo, "--hog-settle",
               "time from the hogs' first message on that does not count, as long as the server "
               "must find out who hogs",
               into.echo.hog_settle, {});
  add_text_option(echo, "--recovery", "TIME",
                  "time to measure after the last hog has its reply (default: as --duration)",
                  [&into](std::string_view option, std::string_view text) {
                    into.echo.recovery = parse_duration(option, text);
                  });
}

void check_echo(const load_echo_options& into) {
  check_common(into);
  if (into.echo.hogs > 0 && !into.plan.hog_byte)
    throw usage_error("--hogs says how many, but not how: give --hog-byte too");
  if (into.echo.duration <= nanoseconds{})
    throw usage_error("--duration is 0: give a time to measure");
  if (into.echo.hog_limit <= nanoseconds{})
    throw usage_error("--hog-limit is 0: hogs take their time; give some, such as 1min");
  if (into.turns && into.echo.hogs > 0)
    throw usage_error("--turns has no hogs: leave out one of --turns and --hogs");
}

}  // namespace

CLI::App* add_load_echo(CLI::App& load, load_echo_options& into) {
  CLI::App* const echo = load.add_subcommand(
      "echo", "Send messages over many connections, check every byte, and measure");
  add_common(*echo, into);
  add_duration(*echo, "--warm-up", "time before measuring", into.echo.warm_up,
               std::chrono::milliseconds(500));
  add_duration(*echo, "--duration", "time to measure", into.echo.duration, std::chrono::seconds(3));
  add_text_option(
      *echo, "--rate", "R/s",
      "open loop: messages a second over all connections, 1/s to 100000000/s, each timed "
      "from when it was due (default: closed loop, each connection sends when it has its "
      "reply)",
      [&into](std::string_view option, std::string_view text) {
        into.echo.rate = parse_rate(option, text);
      });
  echo->add_flag("--turns", into.turns,
                 "measure once for each line on stdin, over the same connections, until it ends; a "
                 "line may have a --warm-up, --duration or --rate of its own")
      ->disable_flag_override();
  add_hogs(*echo, into);
  add_duration(*echo, "--settle", "pause before the look at idle memory", into.echo.settle,
               std::chrono::milliseconds(200));
  echo->parse_complete_callback([&into] { check_echo(into); });
  return echo;
}

CLI::App* add_load_idle(CLI::App& load, load_idle_options& into) {
  CLI::App* const idle =
      load.add_subcommand("idle", "Open connections and weigh what they cost the server");
  add_common(*idle, into);
  add_duration(*idle, "--settle", "pause before the look at memory", into.idle.settle,
               std::chrono::milliseconds(500));
  add_duration(*idle, "--hold", "time to keep the connections open", into.idle.hold, {});
  add_exchanges(*idle, into.idle.messages);
  add_number(*idle, "--first", "connections to open before the first look at memory",
             into.idle.first, 1, most_connections);
  return idle;
}

CLI::App* add_load_churn(CLI::App& load, load_churn_options& into) {
  CLI::App* const churn = load.add_subcommand("churn", "Storms of connect, echo and close");
  add_common(*churn, into);
  into.churn.rounds = 10;
  add_number(*churn, "--rounds", "storms, each of --connections connections, 1 to 1000000",
             into.churn.rounds, 1, 1'000'000);
  add_duration(*churn, "--settle", "pause after each storm", into.churn.settle,
               std::chrono::milliseconds(300));
  add_text_option(*churn, "--close", "HOW",
                  "how connections end: graceful or reset (default: graceful)",
                  [&into](std::string_view option, std::string_view text) {
                    into.churn.style = parse_choice(option, text, closings);
                  });
  add_text_option(
      *churn, "--max-growth", "PERCENT",
      "fail if the server's resident memory grows by more after the first storm, 0 to 1000",
      [&into](std::string_view option, std::string_view text) {
        into.max_growth = static_cast<double>(parse_number(option, text, 0, 1000));
      });
  return churn;
}

CLI::App* add_load_part(CLI::App& load) {
  // Without a group the help does not show it.
  return load.add_subcommand("part")->group("");
}

}  // namespace cede::cli
