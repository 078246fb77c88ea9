#include "measure/report/lookup.hpp"

#include <set>

namespace cede::measure::report {

std::vector<const subject*> everyone(const results& run) {
  std::vector<const subject*> all;
  for (const auto* const list : {&run.kinds, &run.peers})
    for (const subject& one : *list) all.push_back(&one);
  return all;
}

std::vector<std::uint64_t> connection_counts(const results& run) {
  std::set<std::uint64_t> found;
  for (const subject* const one : everyone(run))
    for (const load_point& at : one->at) found.insert(at.connections);
  return {found.begin(), found.end()};
}

std::expected<fiber_and_thread, std::string> loaded_pair(const results& run) {
  const subject* const fiber = find_named(run.kinds, "cooperative");
  const subject* const thread = find_named(run.kinds, "os-thread");
  if (fiber == nullptr || thread == nullptr)
    return std::unexpected("cooperative fibers and OS threads were not both asked for");
  for (const subject* const one : {fiber, thread})
    if (one->missing_because) return std::unexpected(*one->missing_because);
  const auto counts = connection_counts(run);
  for (auto count = counts.rbegin(); count != counts.rend(); ++count) {
    const load_point* const mine = point_at(*fiber, *count);
    const load_point* const theirs = point_at(*thread, *count);
    if (mine != nullptr && theirs != nullptr) return fiber_and_thread{*count, mine, theirs};
  }
  return std::unexpected("no number of connections was measured for both");
}

const figure* first_missing(std::initializer_list<const figure*> all) {
  for (const figure* const one : all)
    if (!one->available()) return one;
  return nullptr;
}

}  // namespace cede::measure::report
