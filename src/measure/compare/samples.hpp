// What has been measured so far, of every contestant, in the order in which it was.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "measure/compare/accounting.hpp"
#include "measure/compare/hog_trial.hpp"
#include "measure/compare/load_trial.hpp"
#include "measure/compare/slice_trial.hpp"

namespace cede::measure::compare {

/// Of one number of connections.
struct point_samples {
  std::vector<owner_bytes> idle;
  std::vector<owner_bytes> after_messages;
  std::vector<load_sample> closed;
  std::vector<paced_sample> paced;
};

struct contestant_samples {
  std::map<std::uint64_t, point_samples> at;
  std::map<unsigned, std::vector<hog_sample>> hogs;  // by their number
  std::map<std::chrono::microseconds, std::vector<slice_sample>> slices;
  std::vector<double> churn;
};

}  // namespace cede::measure::compare
