// Makes one peer ready and prints the words of its command, one a line, for scripts that start it:
//   prepare_peer go
// Ends with 77 if it is not installed, which ctest takes for "skipped", and with 1 if it cannot be
// had for another reason.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "measure/compare/peers.hpp"

namespace {

using namespace cede::measure;

constexpr int skipped = 77;

int report(const peer_failure& failure) {
  for (const auto& line : failure.log) fmt::print(stderr, "  | {}\n", line);
  fmt::print(stderr, "prepare_peer: {}\n", failure.line);
  return failure.trouble == peer_trouble::not_installed ? skipped : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: prepare_peer NAME\n");
    return EXIT_FAILURE;
  }
  // This program lies in the folder bench of the build, the program cede above it.
  const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  const auto notice = [](std::string_view line) { fmt::print(stderr, "{}\n", line); };
  const auto peer = prepare_peer(argv[1], find_peer_places(build), notice);
  if (!peer) return report(peer.error());
  fmt::print(stderr, "{}: {}\n", peer->name, peer->version);
  for (const auto& word : peer->command) fmt::print("{}\n", word);
}
