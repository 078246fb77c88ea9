// An option whose value arrives as text, so that all refusals speak with one voice
// (cli/option_values.hpp).
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace cede::cli {

/// `parse(option, given)` takes the value or throws usage_error. `value` stands for it in the help.
template <class Parse>
CLI::Option* add_text_option(CLI::App& to, const std::string& option, const char* value,
                             const std::string& text, Parse parse) {
  return to
      .add_option_function<std::string>(
          option, [option, parse](const std::string& given) { parse(option, given); }, text)
      ->type_name(value);
}

}  // namespace cede::cli
