// What is compared: a kind of server, and how one is started.
#pragma once

#include <string>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::compare {

struct contestant {
  std::string name = {};   ///< as --kinds or --peers has it
  std::string title = {};  ///< for people
  report::nature is = report::nature::fiber;
  std::string version = {};  ///< of a peer
  /// The program and its first words; --host, --port, --hog-byte and --hog-for follow.
  std::vector<std::string> command = {};
  bool tells_counts = false;  ///< it takes --stats
  bool takes_slices = false;  ///< it takes --slice
};

}  // namespace cede::measure::compare
