#include "cli/command_line.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/bare.hpp"
#include "cli/compare.hpp"
#include "cli/load.hpp"
#include "cli/output.hpp"
#include "cli/report.hpp"
#include "cli/serve_echo.hpp"
#include "cli/suggestion.hpp"
#include "cli/usage_error.hpp"
#include "cli/version.hpp"

namespace cede::cli {
namespace {

constexpr int exit_usage = 2;

// A verb that does something, and what.
struct action {
  CLI::App* verb;
  std::function<int()> run;
};

class command_line {
 public:
  command_line() {
    app_.set_version_flag("--version", fmt::format("cede {}", version()));
    app_.add_flag("--verbose", verbose_, "say more on stderr")->disable_flag_override();
    app_.allow_extras();
    add_serve();
    add_load();
    add_action(add_compare(app_, compare_), [this] { return compare(compare_); });
    add_action(add_bare(app_, bare_), [this] { return bare(bare_); });
    add_action(add_report(app_, report_), [this] { return report(report_); });
  }

  int run(std::span<char*> words) {
    try {
      app_.parse(static_cast<int>(words.size()), words.data());
      refuse_unknown();
    } catch (const CLI::CallForHelp&) {
      return show(deepest()->help(path_to(deepest()->get_parent())));
    } catch (const CLI::CallForVersion& text) {
      return show(std::string(text.what()) + "\n");
    } catch (const CLI::ArgumentMismatch& error) {
      throw usage_error(in_our_words(error.what()));
    } catch (const CLI::ParseError& error) {
      throw usage_error(error.what());
    }
    log_to_stderr(how_much());
    return chosen()->run();
  }

  /// The verb as far as it was understood, to look up the help of.
  std::string verb() const { return path_to(deepest()); }

 private:
  void add_serve() {
    CLI::App& serve = add_group("serve", "Serve connections");
    add_action(add_serve_echo(serve, serve_echo_),
               [this] { return serve_echo(serve_echo_, how_much()); });
  }

  void add_load() {
    CLI::App& load = add_group("load", "Connect to a server and measure how it answers");
    add_action(add_load_echo(load, load_echo_), [this] { return load_echo(load_echo_); });
    add_action(add_load_idle(load, load_idle_), [this] { return load_idle(load_idle_); });
    add_action(add_load_churn(load, load_churn_), [this] { return load_churn(load_churn_); });
    add_action(add_load_part(load), load_part);
  }

  // What a verb does not know goes up, to be refused in one place; so --verbose may stand anywhere.
  CLI::App& add_group(const char* name, const char* text) {
    CLI::App* const group = app_.add_subcommand(name, text);
    group->fallthrough();
    return *group;
  }

  void add_action(CLI::App* verb, std::function<int()> run) {
    verb->fallthrough();
    actions_.push_back({verb, std::move(run)});
  }

  verbosity how_much() const { return verbose_ ? verbosity::verbose : verbosity::normal; }

  // The verb that was given last.
  static std::string path_to(const CLI::App* app) {
    std::string words;
    for (; app != nullptr; app = app->get_parent())
      words = app->get_name() + (words.empty() ? "" : " ") + words;
    return words;
  }

  const CLI::App* deepest() const {
    const CLI::App* app = &app_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    return app;
  }

  const action* chosen() const {
    const auto found = std::ranges::find(actions_, deepest(), &action::verb);
    return found == actions_.end() ? nullptr : &*found;
  }

  int show(const std::string& text) {
    const auto printed = print(text);
    if (printed || printed.error() == std::errc::broken_pipe) return EXIT_SUCCESS;
    print_error(fmt::format("standard output: {}", printed.error().message()));
    return EXIT_FAILURE;
  }

  void refuse_unknown() {
    const std::vector<std::string> unknown = app_.remaining();
    if (!unknown.empty() && unknown.front().starts_with('-')) refuse_option(unknown.front());
    if (chosen() == nullptr) refuse_verb(unknown);
    if (!unknown.empty())
      throw usage_error(fmt::format("'{}' is one word too many", unknown.front()));
  }

  [[noreturn]] void refuse_option(const std::string& text) {
    const std::string name = text.substr(0, text.find('='));
    std::vector<std::string> names;
    for (const CLI::App* app = deepest(); app != nullptr; app = app->get_parent())
      for (const CLI::Option* option : app->get_options())
        if (!option->get_lnames().empty()) names.push_back(first_name(*option));
    const std::vector<std::string_view> words(names.begin(), names.end());
    const auto meant = closest(name, words);
    throw usage_error(meant ? fmt::format("no option '{}': did you mean '{}'?", name, *meant)
                            : fmt::format("no option '{}'", name));
  }

  // CLI11 says "--port: 1 required PORT missing" and "--port: At Most 1 required but received 2".
  static std::string in_our_words(std::string_view text) {
    const std::string_view option = text.substr(0, text.find_first_of(": "));
    if (text.ends_with("missing")) return fmt::format("{} needs a value", option);
    if (text.ends_with("override")) return fmt::format("--{} takes no value", option);
    return fmt::format("{} is given more than once", option);
  }

  static std::string first_name(const CLI::Option& option) {
    return "--" + option.get_lnames().front();
  }

  [[noreturn]] void refuse_verb(const std::vector<std::string>& unknown) {
    const CLI::App* const group = deepest();
    std::vector<std::string> names;
    const auto shown = [](const CLI::App* app) { return !app->get_group().empty(); };
    for (const CLI::App* app : group->get_subcommands(shown)) names.push_back(app->get_name());
    const std::vector<std::string_view> words(names.begin(), names.end());
    const std::string of = group == &app_ ? "" : fmt::format(" for {}", group->get_name());
    if (unknown.empty())
      throw usage_error(fmt::format("no verb given{}: {}", of, suggest("", words)));
    throw usage_error(
        fmt::format("no verb '{}'{}: {}", unknown.front(), of, suggest(unknown.front(), words)));
  }

  CLI::App app_{"Fibers and OS threads behind one blocking-style interface", "cede"};
  std::vector<action> actions_;
  bool verbose_ = false;
  serve_echo_options serve_echo_;
  load_echo_options load_echo_;
  load_idle_options load_idle_;
  load_churn_options load_churn_;
  bare_options bare_;
  report_options report_;
  compare_options compare_;
};

// Connections are descriptors: the program uses what its user may use.
void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

int run_command_line(std::span<char*> words) {
  command_line line;
  raise_descriptor_limit();
  try {
    return line.run(words);
  } catch (const usage_error& error) {
    print_error(fmt::format("{} (see '{} --help')", error.what(), line.verb()));
    return exit_usage;
  }
}

}  // namespace cede::cli
