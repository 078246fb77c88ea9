#include "cli/load_progress.hpp"

#include <fmt/format.h>

namespace cede::cli {
namespace {

using measure::load::phase;
using measure::load::progress;

std::string_view words_for(phase at) {
  switch (at) {
    case phase::opening:
      return "opening connections";
    case phase::settling:
      return "letting the server settle";
    case phase::holding:
      return "holding the connections";
    case phase::exchanging:
      return "exchanging a message on each";
    case phase::warming_up:
      return "warming up";
    case phase::measuring:
      return "measuring";
    case phase::hogged:
      return "measuring while handlers hog";
    case phase::recovering:
      return "measuring after the hogs";
    case phase::draining:
      return "waiting for the last replies";
    case phase::closing:
      break;
  }
  return "closing";
}

}  // namespace

std::string progress_text(const progress& now) {
  if (now.of == 0) return std::string(words_for(now.at));
  return fmt::format("{}, {} of {}", words_for(now.at), now.done, now.of);
}

// What this phase will still take if it goes on as it has, and what is planned after it.
std::optional<std::chrono::nanoseconds> load_progress::left(const progress& now) {
  const auto at = std::chrono::steady_clock::now();
  if (phase_ != now.at) {
    phase_ = now.at;
    phase_began_ = at;
  }
  if (now.fraction < 0.01) return std::nullopt;
  const auto taken = std::chrono::duration<double, std::nano>(at - phase_began_).count();
  const auto rest = taken * (1 - now.fraction) / now.fraction;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(rest)) + now.afterwards;
}

void load_progress::show(const progress& now) {
  const auto remaining = left(now);
  line_.show(progress_text(now), now.fraction, remaining);
}

}  // namespace cede::cli
