// The servers that cede is compared with: how each is made ready to start, and which version it is.
//
//     const peer_places places = find_peer_places();
//     for (std::string_view name : {"go", "tokio", "asio"}) {
//       auto peer = prepare_peer(name, places, [](std::string_view line) { print(line); });
//       if (!peer) show(peer.error());  // and go on with the next
//       else start(peer->command + {"--host", "127.0.0.1", "--port", "0"});
//     }
//
// All of them are started alike. The command takes, at its end,
//     --host ADDRESS --port PORT [--threads N] [--hog-byte BYTE] [--hog-for TIME]
// with the meaning that `cede serve echo` gives to these (--threads is its --workers; without it a
// peer takes one for each CPU it may use, a hand-written server one). The server reads into 4 KiB,
// sets TCP_NODELAY, prints a line that starts with "listening on ADDRESS:PORT" when it is ready,
// and ends with 0 on SIGTERM. One that cannot start prints one line on stderr and ends with 1:
// raw-uring does so where io_uring is forbidden.
//
// Go, Tokio and Asio are built from their sources when first asked for, with what Debian packages;
// nothing is fetched. The hand-written servers are built with cede.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cede::measure {

struct peer {
  std::string_view name;   ///< as the command line has it
  std::string_view title;  ///< for a table, at most 30 characters
};

/// go, tokio, asio, raw-epoll, raw-uring, raw-threads.
[[nodiscard]] std::span<const peer> known_peers() noexcept;

/// Where peers come from and go to.
struct peer_places {
  std::filesystem::path sources;   ///< holds a folder for each peer that is built on demand
  std::filesystem::path programs;  ///< holds the hand-written servers
  std::filesystem::path cache;     ///< what is built goes there; made when needed
  std::vector<std::filesystem::path> tools;    ///< folders to search for compilers, in this order
  std::vector<std::filesystem::path> headers;  ///< folders to search for Asio's headers
  std::filesystem::path crates;                ///< the registry of Debian's Rust crates
};

/// The places for the running program: below its build folder, or, when it is installed, beside it,
/// with the cache in $XDG_CACHE_HOME/cede or ~/.cache/cede. CEDE_PEERS names another folder of
/// sources, CEDE_PEER_CACHE another cache.
[[nodiscard]] peer_places find_peer_places();

/// The same, for a program in the folder `program`.
[[nodiscard]] peer_places find_peer_places(const std::filesystem::path& program);

/// A peer that is ready to be started.
struct peer_command {
  std::string name;
  std::string title;
  std::vector<std::string> command;  ///< the program and the arguments that come first
  std::string version;               ///< such as "tokio 1.24.2, rustc 1.63.0"
};

enum class peer_trouble {
  unknown,        ///< no peer has this name
  not_installed,  ///< a compiler or a library is missing; the line tells what to install
  no_sources,     ///< this installation of cede came without the peer's sources or program
  build_failed,   ///< the log's last lines tell why
};

struct peer_failure {
  peer_trouble trouble;
  std::string line;              ///< one line: the cause and what to do
  std::vector<std::string> log;  ///< the last lines of what the build printed; mostly empty
};

/// Called once before a build, which may take a minute, with a line for the user.
using build_notice = std::function<void(std::string_view)>;

/// Finds or builds the peer `name`. What has been built is kept, and built again only after a
/// change of its sources or its compiler.
/// Blocks: the thread, while a compiler runs. Threads: any, and several processes at once.
[[nodiscard]] std::expected<peer_command, peer_failure> prepare_peer(
    std::string_view name, const peer_places& places, const build_notice& notice = {});

}  // namespace cede::measure
