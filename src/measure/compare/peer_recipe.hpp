// How each peer that is built on demand is built: by which compiler, of which version, with which
// command; or which Debian packages are missing for that.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "measure/compare/peers.hpp"
#include "measure/compare/tool.hpp"

namespace cede::measure {

/// Where one peer is built.
struct build_folder {
  std::filesystem::path sources;  ///< a copy of the peer's sources, as its compiler may write there
  std::filesystem::path scratch;  ///< for what the compiler wants to keep
};

struct build_plan {
  tool_run compile;
  std::filesystem::path result;  ///< the program, once `compile` has ended well
  std::string version;           ///< of the library and its compiler
};

/// Names of Debian packages.
using missing_packages = std::vector<std::string>;

using recipe = std::expected<build_plan, missing_packages> (*)(const peer_places& places,
                                                               const build_folder& folder);

[[nodiscard]] std::expected<build_plan, missing_packages> plan_go(const peer_places& places,
                                                                  const build_folder& folder);
[[nodiscard]] std::expected<build_plan, missing_packages> plan_tokio(const peer_places& places,
                                                                     const build_folder& folder);
[[nodiscard]] std::expected<build_plan, missing_packages> plan_asio(const peer_places& places,
                                                                    const build_folder& folder);

}  // namespace cede::measure
