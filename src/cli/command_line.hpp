// The command line of the program: which verb, with which options.
#pragma once

#include <span>

namespace cede::cli {

/// Does what the words (argv, the program's name first) ask for, and returns the exit code: 0, 1
/// after an operating error, 2 if they cannot be meant. Errors have been printed, one line each.
int run_command_line(std::span<char*> words);

}  // namespace cede::cli
