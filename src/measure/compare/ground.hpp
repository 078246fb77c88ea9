// Where a comparison takes place: what is the same for all contestants.
#pragma once

#include <string>
#include <vector>

#include "measure/compare/interruption.hpp"

namespace cede::measure::compare {

struct ground {
  std::string program;                ///< cede itself, which is the client too
  std::vector<unsigned> server_cpus;  ///< one
  std::vector<unsigned> client_cpus;  ///< all others; the server's where there is no other
  const interruption& stop;

  [[nodiscard]] bool shared() const noexcept { return server_cpus == client_cpus; }
};

}  // namespace cede::measure::compare
