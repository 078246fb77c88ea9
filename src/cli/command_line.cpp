#include "cli/command_line.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/serve_echo.hpp"
#include "cli/suggestion.hpp"
#include "cli/usage_error.hpp"
#include "cli/version.hpp"

namespace cede::cli {
namespace {

constexpr int exit_usage = 2;

class command_line {
 public:
  command_line() {
    app_.set_version_flag("--version", fmt::format("cede {}", version()));
    app_.add_flag("--verbose", verbose_, "say more on stderr")->disable_flag_override();
    app_.allow_extras();
    serve_ = app_.add_subcommand("serve", "Serve connections");
    echo_ = add_serve_echo(*serve_, echo_options_);
    // What a verb does not know goes up, to be refused in one place; so --verbose may stand
    // anywhere.
    serve_->fallthrough();
    echo_->fallthrough();
  }

  int run(std::span<char*> words) {
    try {
      app_.parse(static_cast<int>(words.size()), words.data());
      refuse_unknown();
    } catch (const CLI::CallForHelp&) {
      return show(deepest()->help());
    } catch (const CLI::CallForVersion& text) {
      return show(std::string(text.what()) + "\n");
    } catch (const CLI::ArgumentMismatch& error) {
      throw usage_error(in_our_words(error.what()));
    } catch (const CLI::ParseError& error) {
      throw usage_error(error.what());
    }
    log_to_stderr(how_much());
    return serve_echo(echo_options_, how_much());
  }

  /// The verb as far as it was understood, to look up the help of.
  std::string verb() const {
    if (echo_->parsed()) return "cede serve echo";
    return serve_->parsed() ? "cede serve" : "cede";
  }

 private:
  verbosity how_much() const { return verbose_ ? verbosity::verbose : verbosity::normal; }

  CLI::App* deepest() {
    if (echo_->parsed()) return echo_;
    return serve_->parsed() ? serve_ : &app_;
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
    if (!echo_->parsed()) refuse_verb(unknown);
    if (!unknown.empty())
      throw usage_error(fmt::format("'{}' is one word too many", unknown.front()));
  }

  [[noreturn]] void refuse_option(const std::string& text) {
    const std::string name = text.substr(0, text.find('='));
    std::vector<std::string> names;
    for (CLI::App* app = deepest(); app != nullptr; app = app->get_parent())
      for (const CLI::Option* option : app->get_options()) names.push_back(first_name(*option));
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
    static constexpr std::string_view verbs[] = {"serve"};
    static constexpr std::string_view servers[] = {"echo"};
    const auto words = serve_->parsed() ? std::span(servers) : std::span(verbs);
    const char* const what = serve_->parsed() ? "server" : "command";
    if (unknown.empty()) throw usage_error(fmt::format("no {} given: use {}", what, words.front()));
    throw usage_error(
        fmt::format("no {} '{}': {}", what, unknown.front(), suggest(unknown.front(), words)));
  }

  CLI::App app_{"Fibers and OS threads behind one blocking-style interface", "cede"};
  CLI::App* serve_ = nullptr;
  CLI::App* echo_ = nullptr;
  bool verbose_ = false;
  serve_echo_options echo_options_;
};

// A server's connections are descriptors: the program uses what its user may use.
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
