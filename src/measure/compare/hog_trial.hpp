// What handlers that never yield do to the others of their server.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "measure/compare/contestant.hpp"
#include "measure/compare/ground.hpp"

namespace cede::measure::compare {

struct hog_shape {
  unsigned hogs = 1;
  unsigned others = 100;
  std::chrono::milliseconds warm_up{};
  std::chrono::milliseconds before{};  ///< measured without hogs
  std::chrono::milliseconds settle{};  ///< of `during`, at its beginning: is not measured
  std::chrono::milliseconds during{};  ///< how long the hogs keep their handlers busy
  /// How long each of them does: `during`, or a part of it where they come one after another.
  [[nodiscard]] std::chrono::milliseconds each(bool in_turn) const noexcept {
    return in_turn ? during / hogs : during;
  }
};

struct hog_sample {
  double messages_before = 0;  ///< messages/s of the others
  double messages_during = 0;
  double p99_before = 0;  ///< us
  double p99_during = 0;
  double starved = 0;    ///< connections that waited for most of the time that the hogs ran
  double hog_share = 0;  ///< of the server's CPU, 0 to 1

  /// What the others kept of their throughput, 0 to 1.
  [[nodiscard]] double kept() const noexcept {
    return messages_before > 0 ? messages_during / messages_before : 0;
  }
};

/// Where one hog kept nearly all others waiting to its end, several will run one after another.
[[nodiscard]] bool one_after_another(const std::vector<hog_sample>& with_one, unsigned others);

/// `in_turn`: whether hogs run one after another here.
[[nodiscard]] outcome<hog_sample> measure_hogs(const contestant& who, const hog_shape& shape,
                                               bool in_turn, const ground& where);

}  // namespace cede::measure::compare
