// SIGINT, SIGTERM and SIGHUP as something to poll for, so that a comparison which is told to end
// first ends the processes it has started.
#pragma once

#include "io/owned_fd.hpp"
#include "measure/compare/outcome.hpp"

namespace cede::measure::compare {

class interruption {
 public:
  /// Blocks the signals in the calling thread. They stay blocked: what comes late must not end the
  /// process half-way through its last words.
  /// Errors: no descriptor is left.
  [[nodiscard]] static outcome<interruption> watch();

  /// Readable once a signal has come; none is taken off, so it stays so.
  [[nodiscard]] int descriptor() const noexcept { return signals_.get(); }

  [[nodiscard]] bool come() const noexcept;

  /// The signal that has come, SIGINT before others; 0 if none has.
  [[nodiscard]] int number() const noexcept;

  /// What a step fails with then.
  [[nodiscard]] static std::unexpected<failure> failed() {
    return std::unexpected(failure{cause::interrupted, "interrupted"});
  }

 private:
  explicit interruption(int descriptor) noexcept : signals_(descriptor) {}

  io::owned_fd signals_;
};

}  // namespace cede::measure::compare
