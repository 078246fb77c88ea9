// What the user wrote on the command line cannot be meant.
#pragma once

#include <stdexcept>

namespace cede::cli {

/// Thrown while the command line is read, as CLI11 throws its own; `what()` is the whole line for
/// the user. Ends in exit code 2.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace cede::cli
