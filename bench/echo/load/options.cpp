#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "duration_text.hpp"

namespace bench::load {
namespace {

using std::chrono::nanoseconds;

void add_duration(CLI::App& app, const std::string& name, nanoseconds& value,
                  const std::string& initial, const std::string& description) {
  value = parse_duration(initial).value();
  const auto assign = [name, &value](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError(name, parsed.error().line);
    value = *parsed;
  };
  app.add_option_function<std::string>(name, assign, description)->default_str(initial);
}

void add_common(CLI::App& app, options& chosen) {
  target_plan& plan = chosen.plan;
  app.add_option("--host", chosen.host, "address of the server")->capture_default_str();
  app.add_option("--port", chosen.port, "port of the server")
      ->required()
      ->check(CLI::Range(1, 65535));
  plan.connections = 1000;
  app.add_option("-c,--connections", plan.connections, "connections open at once")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--size", plan.size, "bytes of a message")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app.add_option("--connect-limit", plan.connect_limit, "connections under way at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  add_duration(app, "--timeout", plan.timeout, "10s", "silence that counts as a fault");
  app.add_option("--server-pid", plan.server_pid, "process whose CPU time and memory to measure")
      ->check(CLI::Range(1, 1 << 22));
  app.add_flag_callback(
      "--json", [&chosen] { chosen.format = report_format::json; }, "print one JSON object");
}

void add_echo(CLI::App& app, options& chosen) {
  auto* echo = app.add_subcommand("echo", "closed loop: one message outstanding per connection");
  add_common(*echo, chosen);
  add_duration(*echo, "--warm-up", chosen.echo.warm_up, "500ms", "time before measuring");
  add_duration(*echo, "--duration", chosen.echo.duration, "3s", "time to measure");
  add_duration(*echo, "--settle", chosen.echo.settle, "200ms",
               "pause before the look at idle memory");
  echo->callback([&chosen] { chosen.mode = mode::echo; });
}

void add_idle(CLI::App& app, options& chosen) {
  auto* idle = app.add_subcommand("idle", "open connections and weigh what they cost the server");
  add_common(*idle, chosen);
  add_duration(*idle, "--settle", chosen.idle.settle, "500ms", "pause before the look at memory");
  add_duration(*idle, "--hold", chosen.idle.hold, "0s", "time to keep the connections open");
  idle->add_flag_callback(
      "--no-echo", [&chosen] { chosen.idle.first = greeting::omitted; },
      "send no message on any connection");
  idle->callback([&chosen] { chosen.mode = mode::idle; });
}

void add_churn(CLI::App& app, options& chosen) {
  auto* churn = app.add_subcommand("churn", "storms of connect, echo, close");
  add_common(*churn, chosen);
  chosen.churn.rounds = 10;
  churn->add_option("--rounds", chosen.churn.rounds, "storms, each of --connections connections")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add_duration(*churn, "--settle", chosen.churn.settle, "300ms", "pause after each storm");
  const auto close_by = [&chosen](const std::string& style) {
    chosen.churn.style = style == "reset" ? closing::reset : closing::graceful;
  };
  churn
      ->add_option_function<std::string>("--close", close_by,
                                         "how connections end: graceful or reset")
      ->check(CLI::IsMember({"graceful", "reset"}))
      ->default_str("graceful");
  churn
      ->add_option("--max-growth", chosen.max_growth,
                   "fail if the server's RSS grows by more percent after the first storm")
      ->check(CLI::NonNegativeNumber);
  churn->callback([&chosen] { chosen.mode = mode::churn; });
}

}  // namespace

options parse_or_exit(int argc, char** argv) {
  options chosen;
  CLI::App app{"Load client for echo servers: checks every byte of every reply", "echo_load"};
  app.require_subcommand(1);
  const std::string first = argc > 1 ? argv[1] : "nothing";
  app.failure_message([&first](const CLI::App* failed, const CLI::Error& error) {
    const bool no_mode = failed->get_subcommands().empty();
    const std::string text =
        no_mode ? fmt::format("the first argument must be echo, idle or churn, not {}", first)
                : error.what();
    return fmt::format("echo_load: {} (see --help)\n", text);
  });
  add_echo(app, chosen);
  add_idle(app, chosen);
  add_churn(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return chosen;
}

}  // namespace bench::load
