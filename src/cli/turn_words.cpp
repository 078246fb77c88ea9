#include "cli/turn_words.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string_view>

#include "cli/option_values.hpp"
#include "cli/text_option.hpp"

namespace cede::cli {
namespace {

using namespace measure::load;

echo_plan read(const std::string& line, echo_plan plan) {
  CLI::App words;
  words.set_help_flag();
  const auto time = [](std::chrono::nanoseconds& into) {
    return [&into](std::string_view option, std::string_view text) {
      into = parse_duration(option, text);
    };
  };
  add_text_option(words, "--warm-up", "TIME", "", time(plan.warm_up));
  add_text_option(words, "--duration", "TIME", "", time(plan.duration));
  add_text_option(words, "--rate", "R/s", "",
                  [&plan](std::string_view option, std::string_view text) {
                    plan.rate = parse_rate(option, text);
                  });
  words.parse(line);
  if (plan.duration <= std::chrono::nanoseconds{})
    throw usage_error("--duration is 0: give a time to measure");
  return plan;
}

}  // namespace

outcome<echo_plan> plan_of_turn(const std::string& line, const echo_plan& usual) {
  const auto refused = [&line](std::string_view why) {
    return fail(fmt::format(
        "--turns: the line '{}': {}; give --warm-up, --duration, --rate or nothing", line, why));
  };
  try {
    return read(line, usual);
  } catch (const usage_error& error) {
    return refused(error.what());
  } catch (const CLI::Error& error) {
    return refused(error.what());
  }
}

}  // namespace cede::cli
