// Where the peers are looked for, in a build tree and in an installation.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "measure/compare/peers.hpp"

namespace cede::measure {
namespace {

namespace fs = std::filesystem;

// Debian's compilers come first: another toolchain that is early in PATH, such as rustup's, need
// not go with Debian's libraries.
std::vector<fs::path> tool_folders() {
  std::vector<fs::path> folders{"/usr/bin"};
  const char* const path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const auto folder = rest.substr(0, rest.find(':'));
    // A relative folder would mean another one wherever a tool is run.
    if (folder.starts_with('/')) folders.emplace_back(folder);
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
  }
  return folders;
}

fs::path from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value == '/' ? fs::path(value) : fs::path();
}

fs::path user_cache() {
  if (auto folder = from_environment("XDG_CACHE_HOME"); !folder.empty())
    return folder / "cede" / "peers";
  if (auto home = from_environment("HOME"); !home.empty())
    return home / ".cache" / "cede" / "peers";
  return {};
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

peer_places find_peer_places(const fs::path& program) {
  peer_places places;
  // The build leaves a link to the sources where an installation has the sources themselves.
  const bool in_build = is_there(program / "share" / "cede" / "peers");
  places.sources = in_build ? program / "share" / "cede" / "peers"
                            : (program / CEDE_PEERS_FROM_PROGRAM).lexically_normal();
  places.programs =
      in_build ? program / "bench" : (program / CEDE_LIBEXEC_FROM_PROGRAM).lexically_normal();
  places.cache = in_build ? program / "peers" : user_cache();
  if (auto folder = from_environment("CEDE_PEERS"); !folder.empty()) places.sources = folder;
  if (auto folder = from_environment("CEDE_PEER_CACHE"); !folder.empty()) places.cache = folder;
  places.tools = tool_folders();
  places.headers = {"/usr/include", "/usr/local/include"};
  places.crates = "/usr/share/cargo/registry";
  return places;
}

peer_places find_peer_places() {
  std::error_code ignored;
  return find_peer_places(fs::read_symlink("/proc/self/exe", ignored).parent_path());
}

}  // namespace cede::measure
