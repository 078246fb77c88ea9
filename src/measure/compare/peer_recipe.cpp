#include "measure/compare/peer_recipe.hpp"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <optional>
#include <system_error>

namespace cede::measure {
namespace {

namespace fs = std::filesystem;

std::string assignment(std::string_view name, const fs::path& value) {
  return fmt::format("{}={}", name, value.string());
}

// The word of `text` with this number, counted from 0; empty if there is none.
std::string word(std::string_view text, int number) {
  for (; number > 0; --number) text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
  return std::string(text.substr(0, text.find(' ')));
}

// Of "go version go1.19.8 linux/amd64" or "rustc 1.63.0" the word that tells the version.
std::string version_of(const fs::path& tool, std::string_view question, int number) {
  const auto answer = output_of({.command = {tool.string(), std::string(question)}});
  const std::string line = answer ? answer->substr(0, answer->find('\n')) : std::string();
  const std::string version = line.empty() ? std::string() : word(line, number);
  return version.empty() ? "of unknown version" : version;
}

// "tokio-1.24.2" in the registry gives "1.24.2".
std::optional<std::string> crate_version(const fs::path& registry, std::string_view crate) {
  std::error_code none;
  const std::string prefix = fmt::format("{}-1.", crate);
  for (const auto& entry : fs::directory_iterator(registry, none))
    if (const auto name = entry.path().filename().string(); name.starts_with(prefix))
      return name.substr(crate.size() + 1);
  return std::nullopt;
}

// The folder that holds asio.hpp, and the version that asio/version.hpp tells.
struct asio_headers {
  fs::path folder;
  std::string version;
};

std::optional<asio_headers> find_asio(const peer_places& places) {
  constexpr std::string_view define = "#define ASIO_VERSION ";
  for (const auto& folder : places.headers) {
    std::ifstream header(folder / "asio" / "version.hpp");
    for (std::string line; std::getline(header, line);) {
      if (!line.starts_with(define)) continue;
      int number = 0;  // 102201 is 1.22.1
      std::from_chars(line.data() + define.size(), line.data() + line.size(), number);
      return asio_headers{
          folder, fmt::format("{}.{}.{}", number / 100'000, number / 100 % 1000, number % 100)};
    }
  }
  return std::nullopt;
}

}  // namespace

std::expected<build_plan, missing_packages> plan_go(const peer_places& places,
                                                    const build_folder& folder) {
  const auto go = find_tool("go", places.tools);
  if (!go) return std::unexpected(missing_packages{"golang-go"});
  const fs::path result = folder.scratch / "echo_go";
  return build_plan{.compile = {.command = {go->string(), "build", "-o", result.string(), "."},
                                .folder = folder.sources,
                                // Nothing is fetched, neither modules nor another toolchain; what
                                // go keeps stays in our folder; and no C compiler is needed.
                                .variables = {assignment("GOCACHE", folder.scratch / "cache"),
                                              assignment("GOPATH", folder.scratch / "path"),
                                              "GOPROXY=off", "GOTOOLCHAIN=local", "GO111MODULE=on",
                                              "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0"}},
                    .result = result,
                    .version = version_of(*go, "version", 2)};
}

std::expected<build_plan, missing_packages> plan_tokio(const peer_places& places,
                                                       const build_folder& folder) {
  const auto cargo = find_tool("cargo", places.tools);
  const auto rustc = find_tool("rustc", places.tools);
  const auto crate = crate_version(places.crates, "tokio");
  missing_packages missing;
  if (!cargo) missing.emplace_back("cargo");
  if (!rustc) missing.emplace_back("rustc");
  if (!crate) missing.emplace_back("librust-tokio-dev");
  if (!missing.empty()) return std::unexpected(missing);
  const std::string replace = "source.crates-io.replace-with=\"debian\"";
  const std::string registry =
      fmt::format("source.debian.directory=\"{}\"", places.crates.string());
  return build_plan{
      .compile = {.command = {cargo->string(), "build", "--release", "--offline", "--config",
                              replace, "--config", registry, "--target-dir",
                              (folder.scratch / "target").string()},
                  .folder = folder.sources,
                  // Both by path, so that a rustc from elsewhere is not mixed with this cargo.
                  .variables = {assignment("CARGO_HOME", folder.scratch / "cargo"),
                                assignment("RUSTC", *rustc), "CARGO_TERM_COLOR=never",
                                "RUSTFLAGS="}},
      .result = folder.scratch / "target" / "release" / "echo_tokio",
      .version = fmt::format("tokio {}, rustc {}", *crate, version_of(*rustc, "--version", 1))};
}

std::expected<build_plan, missing_packages> plan_asio(const peer_places& places,
                                                      const build_folder& folder) {
  const auto compiler = find_tool("g++", places.tools);
  const auto asio = find_asio(places);
  missing_packages missing;
  if (!compiler) missing.emplace_back("g++");
  if (!asio) missing.emplace_back("libasio-dev");
  if (!missing.empty()) return std::unexpected(missing);
  const fs::path result = folder.scratch / "echo_asio";
  // -idirafter: put before the compiler's own folders, /usr/include would hide the C library's.
  return build_plan{
      .compile = {.command = {compiler->string(), "-std=c++20", "-O2", "-DNDEBUG", "-Wall",
                              "-idirafter", asio->folder.string(), "-pthread", "-o",
                              result.string(), (folder.sources / "echo.cpp").string()},
                  .folder = folder.sources},
      .result = result,
      .version = fmt::format("asio {}, g++ {}", asio->version,
                             version_of(*compiler, "-dumpfullversion", 0))};
}

}  // namespace cede::measure
