// The answer in three sentences, from the numbers.
#pragma once

#include <string>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::report {

/// A part of a sentence; strong ones are what the eye should find.
struct phrase {
  std::string text;
  bool strong = false;
};

struct sentence {
  std::string question;  ///< "What an idle connection costs"
  std::vector<phrase> phrases;
  [[nodiscard]] std::string text() const;
};

/// What an idle connection costs as a thread and as a fiber, and why; what a switch costs; what a
/// handler that never yields does to the rest. They follow the numbers: where threads win they say
/// so, where a figure is missing they say why.
[[nodiscard]] std::vector<sentence> answers(const results& run);

/// Who wins a comparison in which `less_is_better` or more is, in one sentence: "Fibers: 10 us
/// against threads' 20 us, a factor of 2.0.", "Threads win: ...", or that the ranges overlap. Empty
/// if one is missing. `paired`: the thread's figure divided by the fiber's, moment by moment, which
/// then is the factor.
enum class better : std::uint8_t { less, more };
[[nodiscard]] std::string verdict(const figure& fiber, const figure& thread, better which,
                                  const figure& paired = missing("not measured"));

}  // namespace cede::measure::report
