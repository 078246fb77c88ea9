// The program `cede`.
#include <cstdlib>
#include <exception>
#include <new>
#include <span>

#include "base/signals.hpp"
#include "cli/command_line.hpp"
#include "cli/output.hpp"
#include "cli/standard_streams.hpp"

int main(int argc, char** argv) {
  cede::cli::occupy_standard_streams();
  // Whoever reads our output may leave first: that is an error of write(2), not our end.
  const auto no_sigpipe = cede::base::signals::ignore_sigpipe();
  try {
    return cede::cli::run_command_line({argv, static_cast<std::size_t>(argc)});
  } catch (const std::bad_alloc&) {
    cede::cli::print_error("out of memory; raise 'ulimit -v' or the control group's memory.max");
  } catch (const std::exception& error) {
    cede::cli::print_error(error.what());
  }
  return EXIT_FAILURE;
}
