#include "measure/compare/server.hpp"

#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "measure/compare/process_sample.hpp"

namespace cede::measure::compare {
namespace {

using namespace std::chrono_literals;
using json = nlohmann::json;

constexpr auto start_patience = 20s;
constexpr auto answer_patience = 20s;
constexpr auto end_patience = 30s;

launch how_to_launch(const contestant& who, const std::vector<unsigned>& cpus,
                     const std::optional<hogging>& hog) {
  launch result{fmt::format("the server '{}'", who.name), who.command, cpus};
  auto& words = result.command;
  for (const char* const word : {"--host", "127.0.0.1", "--port", "0"}) words.emplace_back(word);
  if (who.tells_counts) words.emplace_back("--stats");
  if (hog) {
    words.insert(words.end(), {"--hog-byte", fmt::format("0x{:02x}", hog->byte)});
    words.insert(words.end(), {"--hog-for", fmt::format("{}ms", hog->time.count())});
  }
  return result;
}

// A server of cede starts its lines with its name, which the reader knows.
std::string without_name(std::string words) {
  constexpr std::string_view name = "cede: ";
  return words.starts_with(name) ? words.substr(name.size()) : words;
}

}  // namespace

std::optional<std::uint16_t> port_of(std::string_view line) {
  if (!line.starts_with("listening on ")) return std::nullopt;
  line = line.substr(0, line.find(','));
  line.remove_prefix(std::min(line.rfind(':') + 1, line.size()));
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), port);
  if (error != std::errc{} || end != line.data() + line.size() || port == 0) return std::nullopt;
  return port;
}

outcome<server> server::start(const contestant& who, const std::vector<unsigned>& cpus,
                              const std::optional<hogging>& hog, const interruption& stop) {
  auto process = child::start(how_to_launch(who, cpus, hog), stop);
  if (!process) return std::unexpected(process.error());
  const auto line = process->read_line(start_patience);
  if (!line && process->code() == 1)
    return std::unexpected(failure{cause::unsupported, without_name(process->last_words())});
  if (!line) return std::unexpected(line.error());
  const auto port = port_of(*line);
  if (!port)
    return fail(fmt::format("{} says '{}', where it listens belongs", process->title(), *line));
  return server(std::move(*process), *port);
}

outcome<server_counts> server::counts() {
  if (auto asked = process_.write_line(""); !asked) return std::unexpected(asked.error());
  const auto line = process_.read_line(answer_patience);
  if (!line) return std::unexpected(line.error());
  const json told = json::parse(*line, nullptr, false);
  bool all_there = told.is_object();
  const auto number = [&](const char* name) -> std::uint64_t {
    const auto found = all_there ? told.find(name) : told.end();
    if (found != told.end() && found->is_number_unsigned()) return found->get<std::uint64_t>();
    all_there = false;
    return 0;
  };
  const server_counts found{.at = std::chrono::microseconds(number("at_us")),
                            .fiber_switches = number("switches"),
                            .preemptions = number("preemptions"),
                            .hog_units = number("hog_units"),
                            .hog_time = std::chrono::microseconds(number("hog_ran_us"))};
  if (!all_there)
    return fail(fmt::format("{} says '{}', where its counts belong", process_.title(), *line));
  return found;
}

// A look costs the server nothing. Whether it has work cannot be asked from outside, but a server
// that has some and a CPU to itself uses it; one that has none may still have a thread that looks
// after the others now and then. On a busy machine it may get no CPU for a while: a connection that
// it has not accepted yet is work too. (The few files that it opens for itself come and go, so they
// are not told apart: they are far fewer than the connections.)
outcome<> server::settle(std::uint64_t connections) {
  constexpr auto between_looks = 10ms;
  constexpr auto nearly_nothing = 500us;
  constexpr int quiet_looks = 3;
  auto before = cpu_time_of(id());
  const auto end = std::chrono::steady_clock::now() + 10s;
  for (int quiet = 0; quiet < quiet_looks;) {
    std::this_thread::sleep_for(between_looks);
    const auto now = cpu_time_of(id());
    if (!now || !before) return std::unexpected((now ? before : now).error());
    if (process_.interrupted()) return interruption::failed();
    if (std::chrono::steady_clock::now() > end)
      return fail(fmt::format("{} does not come to rest", process_.title()));
    quiet = *now - *before < nearly_nothing ? quiet + 1 : 0;
    before = now;
    if (quiet < quiet_looks) continue;
    const auto open = descriptors_of(id());
    if (!open) return std::unexpected(open.error());
    if (*open < connections) quiet = 0;
  }
  return {};
}

outcome<std::chrono::nanoseconds> server::cpu_time_at_rest() {
  constexpr auto between_looks = 1ms;
  constexpr auto nearly_nothing = 20us;
  auto before = cpu_time_of(id());
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (before) {
    std::this_thread::sleep_for(between_looks);
    const auto now = cpu_time_of(id());
    if (now && *now - *before < nearly_nothing) return now;
    if (process_.interrupted()) return interruption::failed();
    if (std::chrono::steady_clock::now() > end)
      return fail(fmt::format("{} does not come to rest", process_.title()));
    before = now;
  }
  return before;
}

outcome<> server::end() {
  process_.signal(SIGTERM);
  return process_.wait(end_patience);
}

}  // namespace cede::measure::compare
