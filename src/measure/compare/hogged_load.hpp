// A client beside hogs: what the experiments with them have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "measure/compare/ground.hpp"
#include "measure/compare/outcome.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {

/// Any will do: cede load sees to it that other connections do not begin with it.
inline constexpr std::uint8_t hog_byte = 0x48;

struct hogged_load {
  unsigned hogs = 1;
  unsigned others = 0;
  std::optional<double> rate = {};  ///< messages/s of the others; nothing: a closed loop
  std::chrono::milliseconds warm_up{};
  std::chrono::milliseconds before{};  ///< measured before hogs come
  std::chrono::milliseconds settle{};  ///< not measured, after they have come
};

/// Runs the client to its end. Its report: `messages_per_second` and so on are those before,
/// `during/...` those while the hogs were at work, which was for `hogs_seconds`. `meanwhile` is
/// called when all connections are open.
[[nodiscard]] outcome<nlohmann::json> run_beside_hogs(
    const server& running, const hogged_load& load, const ground& where,
    const std::function<outcome<>()>& meanwhile = [] { return outcome<>(); });

/// Fills in numbers from a report.
/// Errors: the first of the paths at which there is none.
struct wanted_number {
  const char* path;
  double* into;
};
[[nodiscard]] outcome<> read_numbers(const nlohmann::json& report,
                                     std::initializer_list<wanted_number> wanted);

}  // namespace cede::measure::compare
