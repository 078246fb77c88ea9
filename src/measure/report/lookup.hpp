// Finding things in results.
#pragma once

#include <algorithm>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::report {

template <class T>
[[nodiscard]] const T* find_named(const std::vector<T>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &T::name);
  return found == all.end() ? nullptr : &*found;
}

[[nodiscard]] inline const load_point* point_at(const subject& it, std::uint64_t connections) {
  const auto found = std::ranges::find(it.at, connections, &load_point::connections);
  return found == it.at.end() ? nullptr : &*found;
}

/// Kinds and peers, in the order in which they are shown.
[[nodiscard]] std::vector<const subject*> everyone(const results& run);

/// Every number of connections of which anybody has figures, ascending.
[[nodiscard]] std::vector<std::uint64_t> connection_counts(const results& run);

/// Cooperative fibers and OS threads under the most connections that both have figures of.
struct fiber_and_thread {
  std::uint64_t connections;
  const load_point* fiber;
  const load_point* thread;
};
/// The error says why there is no such pair.
[[nodiscard]] std::expected<fiber_and_thread, std::string> loaded_pair(const results& run);

/// The first that is missing, or null.
[[nodiscard]] const figure* first_missing(std::initializer_list<const figure*> all);

}  // namespace cede::measure::report
