#include "measure/compare/proc_text.hpp"

#include <algorithm>
#include <charconv>

#include "measure/load/proc_fields.hpp"

namespace cede::measure::compare {
namespace {

constexpr std::string_view blanks = " \t";

template <class T>
std::optional<T> read_number(std::string_view word) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// Takes the first line off `text`.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

// Takes the first word off `line`; empty at its end.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::size_t end = std::min(line.find_first_of(blanks), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::optional<slab_cache> slab_cache_of(std::string_view line) {
  slab_cache cache;
  cache.name = next_word(line);
  const auto active = read_number<std::uint64_t>(next_word(line));
  const auto all = read_number<std::uint64_t>(next_word(line));
  const auto bytes = read_number<std::uint64_t>(next_word(line));
  if (cache.name.starts_with('#') || !active || !all || !bytes) return std::nullopt;
  cache.objects = *active;
  cache.object_bytes = *bytes;
  return cache;
}

}  // namespace

std::optional<kernel_switches> switches_of(std::string_view status) {
  const auto voluntary = load::proc_field(status, "voluntary_ctxt_switches");
  const auto involuntary = load::proc_field(status, "nonvoluntary_ctxt_switches");
  if (!voluntary || !involuntary) return std::nullopt;
  return kernel_switches{*voluntary, *involuntary};
}

std::optional<std::vector<slab_cache>> slab_caches_of(std::string_view slabinfo) {
  if (!slabinfo.starts_with("slabinfo - version: 2")) return std::nullopt;
  std::vector<slab_cache> caches;
  next_line(slabinfo);
  while (!slabinfo.empty())
    if (auto cache = slab_cache_of(next_line(slabinfo))) caches.push_back(std::move(*cache));
  if (caches.empty()) return std::nullopt;
  return caches;
}

std::optional<cpu_ticks> cpu_ticks_of(std::string_view stat) {
  // cpu  user nice system idle iowait irq softirq steal guest guest_nice; guests are in user.
  constexpr std::size_t idle = 3;
  constexpr std::size_t waiting = 4;
  constexpr std::size_t steal = 7;
  std::string_view line = next_line(stat);
  if (next_word(line) != "cpu") return std::nullopt;
  cpu_ticks ticks;
  for (std::size_t i = 0; i <= steal; ++i) {
    const auto value = read_number<std::uint64_t>(next_word(line));
    if (!value) return std::nullopt;
    ticks.all += *value;
    if (i == steal)
      ticks.stolen = *value;
    else if (i != idle && i != waiting)
      ticks.busy += *value;
  }
  return ticks;
}

std::optional<system_load> load_of(std::string_view loadavg) {
  std::string_view line = next_line(loadavg);
  const auto one_minute = read_number<double>(next_word(line));
  next_word(line);
  next_word(line);
  const std::string_view running_of_all = next_word(line);
  const std::size_t slash = running_of_all.find('/');
  if (!one_minute || slash == running_of_all.npos) return std::nullopt;
  const auto threads = read_number<std::uint64_t>(running_of_all.substr(slash + 1));
  if (!threads) return std::nullopt;
  return system_load{*one_minute, *threads};
}

}  // namespace cede::measure::compare
