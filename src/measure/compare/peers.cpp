#include "measure/compare/peers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <system_error>

#include "io/owned_fd.hpp"
#include "measure/compare/peer_recipe.hpp"

namespace cede::measure {
namespace {

namespace fs = std::filesystem;

constexpr std::array<peer, 6> table{{
    {"go", "Go, goroutines"},
    {"tokio", "Tokio, async tasks"},
    {"asio", "Asio, C++20 coroutines"},
    {"raw-epoll", "epoll loop by hand"},
    {"raw-uring", "io_uring loop by hand"},
    {"raw-threads", "threads by hand"},
}};

// How each comes to be, in the same order: by a recipe, or as a program built with cede.
struct making {
  recipe plan = nullptr;
  std::string_view program = {};
  std::string_view argument = {};
};

constexpr std::array<making, table.size()> makings{{
    {.plan = plan_go},
    {.plan = plan_tokio},
    {.plan = plan_asio},
    {.program = "echo_baseline_epoll"},
    {.program = "echo_baseline_uring"},
    // Small stacks, as a server with a thread for each connection has: page tables grow with them.
    {.program = "echo_baseline_threads", .argument = "--stack=64"},
}};

#ifdef __clang__
constexpr std::string_view own_compiler = __VERSION__;
#else
constexpr std::string_view own_compiler = "g++ " __VERSION__;
#endif

constexpr std::size_t shown_log_lines = 15;

using outcome = std::expected<peer_command, peer_failure>;

std::unexpected<peer_failure> failed(peer_trouble trouble, std::string line,
                                     std::vector<std::string> log = {}) {
  return std::unexpected(peer_failure{trouble, std::move(line), std::move(log)});
}

std::vector<std::string> last_lines(const fs::path& log) {
  std::deque<std::string> lines;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::move(line));
    if (lines.size() > shown_log_lines) lines.pop_front();
  }
  return {std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end())};
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// FNV-1a, 64 bits: enough to tell one version of a few files from another.
class fingerprint {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    value_ = (value_ ^ 0xff) * 0x100000001b3;  // so that "ab" "c" differs from "a" "bc"
  }
  [[nodiscard]] std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

// All that the built program depends on.
std::string stamp_of(const fs::path& sources, const build_plan& plan) {
  fingerprint sum;
  for (const auto& file : files_below(sources)) {
    sum.add(file.lexically_relative(sources).string());
    sum.add(text_of(file));
  }
  for (const auto& argument : plan.compile.command) sum.add(argument);
  for (const auto& variable : plan.compile.variables) sum.add(variable);
  return fmt::format("{} {}", plan.version, sum.text());
}

// Builds one peer in a folder of its own, which no other process uses at the time.
class builder {
 public:
  builder(const peer& what, const peer_places& places, recipe plan)
      : what_(what),
        sources_(places.sources / what.name),
        home_(places.cache / what.name),
        places_(places),
        recipe_(plan) {}

  outcome prepare(const build_notice& notice) {
    auto plan = recipe_(places_, {home_ / "src", home_ / "build"});
    if (!plan)
      return failed(peer_trouble::not_installed,
                    fmt::format("{} is not installed; as root, run: apt-get install {}", what_.name,
                                fmt::join(plan.error(), " ")));
    if (!fs::is_directory(sources_))
      return failed(peer_trouble::no_sources,
                    fmt::format("the sources of the peer {} are not in {}; set CEDE_PEERS to the "
                                "folder bench/peers of cede's source tree",
                                what_.name, places_.sources.string()));
    if (places_.cache.empty())
      return failed(
          peer_trouble::build_failed,
          fmt::format("there is no place to build {} in: set HOME or CEDE_PEER_CACHE", what_.name));
    return build_unless_built(*plan, notice);
  }

 private:
  outcome build_unless_built(const build_plan& plan, const build_notice& notice) {
    fs::create_directories(home_ / "build");
    const io::owned_fd lock(open((home_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (lock.get() < 0 || flock(lock.get(), LOCK_EX) != 0)
      return failed(peer_trouble::build_failed,
                    fmt::format("{}: {}", (home_ / "lock").string(), std::strerror(errno)));
    const std::string stamp = stamp_of(sources_, plan);
    if (text_of(home_ / "stamp") != stamp || !fs::exists(plan.result)) {
      if (notice) notice(fmt::format("building the peer {} ({})", what_.name, plan.version));
      if (auto built = build(plan); !built) return std::unexpected(built.error());
      std::ofstream(home_ / "stamp") << stamp;
    }
    return peer_command{
        std::string(what_.name), std::string(what_.title), {plan.result.string()}, plan.version};
  }

  std::expected<void, peer_failure> build(const build_plan& plan) {
    // Without a stamp an interrupted build does not pass for a finished one.
    fs::remove(home_ / "stamp");
    fs::remove_all(home_ / "src");
    fs::copy(sources_, home_ / "src", fs::copy_options::recursive);
    const fs::path log = home_ / "log";
    auto built = run_tool(plan.compile, log);
    if (built && !fs::exists(plan.result))
      built = std::unexpected(fmt::format("left no {}", plan.result.string()));
    if (built) return {};
    return failed(
        peer_trouble::build_failed,
        fmt::format("the peer {} could not be built: {} {}; all it printed is in {}", what_.name,
                    fs::path(plan.compile.command.front()).filename().string(), built.error(),
                    log.string()),
        last_lines(log));
  }

  const peer& what_;
  const fs::path sources_;
  const fs::path home_;
  const peer_places& places_;
  const recipe recipe_;
};

outcome prepare_built(const peer& what, const peer_places& places, recipe plan,
                      const build_notice& notice) {
  try {
    return builder(what, places, plan).prepare(notice);
  } catch (const fs::filesystem_error& error) {
    // Its what() names the path; a full or read-only file system, most likely.
    return failed(peer_trouble::build_failed,
                  fmt::format("the peer {} could not be built: {}; CEDE_PEER_CACHE names another "
                              "folder to build in",
                              what.name, error.what()));
  }
}

// Built with cede, so its compiler is this file's.
outcome prepare_by_hand(const peer& what, const peer_places& places, const making& how) {
  const fs::path path = places.programs / how.program;
  if (!fs::exists(path))
    return failed(peer_trouble::no_sources,
                  fmt::format("the peer {} is not in {}: build cede with CEDE_BUILD_BENCHMARKS=ON",
                              what.name, places.programs.string()));
  std::vector<std::string> command{path.string()};
  if (!how.argument.empty()) command.emplace_back(how.argument);
  return peer_command{std::string(what.name), std::string(what.title), std::move(command),
                      fmt::format("cede's own, {}", own_compiler)};
}

}  // namespace

std::span<const peer> known_peers() noexcept { return table; }

std::expected<peer_command, peer_failure> prepare_peer(std::string_view name,
                                                       const peer_places& places,
                                                       const build_notice& notice) {
  const auto found = std::ranges::find(table, name, &peer::name);
  if (found == table.end()) {
    std::vector<std::string_view> names;
    std::ranges::transform(table, std::back_inserter(names), &peer::name);
    return failed(peer_trouble::unknown, fmt::format("there is no peer '{}': the peers are {}",
                                                     name, fmt::join(names, ", ")));
  }
  const making& how = makings[static_cast<std::size_t>(found - table.begin())];
  if (how.plan == nullptr) return prepare_by_hand(*found, places, how);
  return prepare_built(*found, places, how.plan, notice);
}

}  // namespace cede::measure
