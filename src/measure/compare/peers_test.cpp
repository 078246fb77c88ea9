#include "measure/compare/peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "measure/compare/tool.hpp"

namespace cede::measure {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

// A compiler of Go as far as its command line goes: it copies the source, and counts its runs.
constexpr std::string_view fake_go = R"(#!/bin/sh
case $1 in
  version) echo go version go9.8.7 linux/none ;;
  build) echo run >>"$(dirname "$0")/runs"; cp main.go "$3" ;;
esac
)";

constexpr std::string_view failing_go = R"(#!/bin/sh
test "$1" = version && echo go version go9.8.7 linux/none && exit
i=1
while [ $i -le 40 ]; do echo "line $i"; i=$((i + 1)); done
exit 3
)";

class Peers : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "peers-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    places_ = {.sources = root_ / "sources",
               .programs = root_ / "programs",
               .cache = root_ / "cache",
               .tools = {root_ / "tools"},
               .headers = {root_ / "headers"},
               .crates = root_ / "crates"};
    write("sources/go/main.go", "first");
    write("sources/tokio/Cargo.toml", "");
    write("sources/asio/echo.cpp", "");
  }

  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  void write(const fs::path& where, std::string_view text) {
    fs::create_directories((root_ / where).parent_path());
    std::ofstream(root_ / where) << text;
  }

  void write_tool(std::string_view name, std::string_view text) {
    write(fs::path("tools") / name, text);
    fs::permissions(root_ / "tools" / name, fs::perms::owner_all);
  }

  [[nodiscard]] std::string read(const fs::path& where) const {
    std::ifstream file(where);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  [[nodiscard]] std::expected<peer_command, peer_failure> prepare(std::string_view name) {
    return prepare_peer(name, places_, [this](std::string_view) { ++notices_; });
  }

  fs::path root_;
  peer_places places_;
  int notices_ = 0;
};

TEST_F(Peers, an_unknown_one_is_told_with_those_that_there_are) {
  const auto peer = prepare("gopher");
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().trouble, peer_trouble::unknown);
  EXPECT_EQ(peer.error().line,
            "there is no peer 'gopher': the peers are go, tokio, asio, raw-epoll, raw-uring, "
            "raw-threads");
}

TEST_F(Peers, without_its_compiler_or_library_the_packages_are_named) {
  const auto line = [this](std::string_view name) {
    const auto peer = prepare(name);
    if (peer) return std::string("prepared");
    EXPECT_EQ(peer.error().trouble, peer_trouble::not_installed);
    return peer.error().line;
  };
  EXPECT_THAT(line("go"), EndsWith(": apt-get install golang-go"));
  EXPECT_THAT(line("tokio"), EndsWith(": apt-get install cargo rustc librust-tokio-dev"));
  EXPECT_THAT(line("asio"), EndsWith(": apt-get install g++ libasio-dev"));
  // Only what is missing.
  write_tool("g++", "");
  write_tool("rustc", "");
  write("crates/tokio-1.2.3/Cargo.toml", "");
  EXPECT_THAT(line("tokio"), EndsWith(": apt-get install cargo"));
  EXPECT_THAT(line("asio"), EndsWith(": apt-get install libasio-dev"));
}

TEST_F(Peers, one_is_built_once_and_kept) {
  write_tool("go", fake_go);
  for (int turn = 0; turn < 2; ++turn) {
    const auto peer = prepare("go");
    ASSERT_TRUE(peer) << peer.error().line;
    EXPECT_EQ(peer->name, "go");
    EXPECT_EQ(peer->version, "go9.8.7");
    ASSERT_EQ(peer->command.size(), 1U);
    EXPECT_EQ(read(peer->command.front()), "first");
    EXPECT_EQ(read(root_ / "tools/runs"), "run\n");
    EXPECT_EQ(notices_, 1);
  }
}

TEST_F(Peers, one_is_built_again_when_its_sources_or_its_compiler_change) {
  write_tool("go", fake_go);
  ASSERT_TRUE(prepare("go"));
  write("sources/go/main.go", "second");
  const auto changed = prepare("go");
  ASSERT_TRUE(changed);
  EXPECT_EQ(read(changed->command.front()), "second");
  std::string newer(fake_go);
  write_tool("go", newer.replace(newer.find("9.8.7"), 5, "9.9.0"));
  const auto rebuilt = prepare("go");
  ASSERT_TRUE(rebuilt);
  EXPECT_EQ(rebuilt->version, "go9.9.0");
  EXPECT_EQ(read(root_ / "tools/runs"), "run\nrun\nrun\n");
}

TEST_F(Peers, a_file_that_has_gone_from_the_sources_is_not_built) {
  write_tool("go", fake_go);
  write("sources/go/old.go", "");
  ASSERT_TRUE(prepare("go"));
  fs::remove(root_ / "sources/go/old.go");
  ASSERT_TRUE(prepare("go"));
  EXPECT_TRUE(fs::exists(places_.cache / "go/src/main.go"));
  EXPECT_FALSE(fs::exists(places_.cache / "go/src/old.go"));
}

TEST_F(Peers, a_failed_build_shows_the_end_of_its_log_and_is_tried_again) {
  write_tool("go", failing_go);
  const auto peer = prepare("go");
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().trouble, peer_trouble::build_failed);
  EXPECT_THAT(peer.error().line, HasSubstr("go ended with code 3"));
  ASSERT_EQ(peer.error().log.size(), 15U);
  EXPECT_EQ(peer.error().log.front(), "line 26");
  EXPECT_EQ(peer.error().log.back(), "line 40");
  EXPECT_THAT(read(places_.cache / "go/log"), HasSubstr("line 1\n"));
  write_tool("go", fake_go);
  EXPECT_TRUE(prepare("go"));
}

TEST_F(Peers, a_compiler_that_leaves_no_program_has_failed) {
  write_tool("go", "#!/bin/sh\necho go version go1\n");
  const auto peer = prepare("go");
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().trouble, peer_trouble::build_failed);
  EXPECT_THAT(peer.error().line, HasSubstr("left no "));
}

TEST_F(Peers, versions_of_libraries_are_told_with_their_compilers) {
  write_tool("g++", R"(#!/bin/sh
if [ "$1" = -dumpfullversion ]; then echo 12.9.0; exit; fi
while [ "$1" != -o ]; do shift; done; cp "$3" "$2")");
  write_tool("rustc", "#!/bin/sh\necho 'rustc 1.99.0 (abc 2000-01-01)'");
  write_tool("cargo", R"(#!/bin/sh
while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/release" && cp Cargo.toml "$2/release/echo_tokio")");
  write("crates/tokio-util-1.0.0/Cargo.toml", "");
  write("crates/tokio-1.24.2/Cargo.toml", "");
  write("headers/asio/version.hpp", "// of asio\n#define ASIO_VERSION 102201 // 1.22.1\n");
  const auto asio = prepare("asio");
  ASSERT_TRUE(asio) << asio.error().line;
  EXPECT_EQ(asio->version, "asio 1.22.1, g++ 12.9.0");
  const auto tokio = prepare("tokio");
  ASSERT_TRUE(tokio) << tokio.error().line;
  EXPECT_EQ(tokio->version, "tokio 1.24.2, rustc 1.99.0");
}

TEST_F(Peers, one_without_sources_says_where_they_should_be) {
  write_tool("go", fake_go);
  places_.sources = root_ / "nowhere";
  const auto peer = prepare("go");
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().trouble, peer_trouble::no_sources);
  EXPECT_THAT(peer.error().line, HasSubstr((root_ / "nowhere").string()));
  EXPECT_THAT(peer.error().line, HasSubstr("CEDE_PEERS"));
}

TEST_F(Peers, one_without_a_place_to_be_built_in_says_so) {
  write_tool("go", fake_go);
  places_.cache.clear();
  const auto nowhere = prepare("go");
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().line, HasSubstr("CEDE_PEER_CACHE"));
  write("file", "");
  places_.cache = root_ / "file";  // which is no folder
  const auto impossible = prepare("go");
  ASSERT_FALSE(impossible);
  EXPECT_EQ(impossible.error().trouble, peer_trouble::build_failed);
  EXPECT_THAT(impossible.error().line, HasSubstr((root_ / "file").string()));
}

TEST_F(Peers, a_hand_written_server_is_a_program_of_the_build) {
  const auto missing = prepare("raw-epoll");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().trouble, peer_trouble::no_sources);
  write("programs/echo_baseline_epoll", "");
  write("programs/echo_baseline_threads", "");
  const auto loop = prepare("raw-epoll");
  ASSERT_TRUE(loop);
  EXPECT_THAT(loop->command, ElementsAre((root_ / "programs/echo_baseline_epoll").string()));
  const auto threads = prepare("raw-threads");
  ASSERT_TRUE(threads);
  EXPECT_THAT(threads->command, ElementsAre(testing::_, "--stack=64"));
  EXPECT_EQ(notices_, 0);
}

TEST_F(Peers, every_known_one_can_be_asked_for) {
  for (const peer& known : known_peers()) {
    const auto prepared = prepare(known.name);
    EXPECT_TRUE(prepared || prepared.error().trouble != peer_trouble::unknown) << known.name;
    EXPECT_LE(known.title.size(), 30U);
  }
}

TEST_F(Peers, a_build_tree_holds_them_and_an_installation_has_them_beside_the_program) {
  write("build/share/cede/peers/go/main.go", "");
  const peer_places built = find_peer_places(root_ / "build");
  EXPECT_EQ(built.sources, root_ / "build/share/cede/peers");
  EXPECT_EQ(built.programs, root_ / "build/bench");
  EXPECT_EQ(built.cache, root_ / "build/peers");
  ASSERT_EQ(setenv("XDG_CACHE_HOME", (root_ / "caches").c_str(), 1), 0);
  const peer_places installed = find_peer_places(root_ / "usr/bin");
  EXPECT_EQ(installed.sources, root_ / "usr/share/cede/peers");
  EXPECT_EQ(installed.programs, root_ / "usr/libexec/cede");
  EXPECT_EQ(installed.cache, root_ / "caches/cede/peers");
  unsetenv("XDG_CACHE_HOME");
}

TEST_F(Peers, compilers_of_the_distribution_come_before_those_in_the_path) {
  ASSERT_FALSE(find_peer_places(root_).tools.empty());
  EXPECT_EQ(find_peer_places(root_).tools.front(), "/usr/bin");
}

TEST(Tool, what_it_prints_and_how_it_ends_are_told) {
  EXPECT_EQ(output_of({.command = {"/bin/sh", "-c", "echo one; echo two >&2"}}), "one\ntwo");
  EXPECT_EQ(output_of({.command = {"/bin/sh", "-c", "exit 7"}}).error(), "ended with code 7");
  EXPECT_THAT(output_of({.command = {"/bin/sh", "-c", "kill -KILL $$"}}).error(),
              HasSubstr("signal 9"));
  EXPECT_THAT(output_of({.command = {"/nowhere/tool"}}).error(), HasSubstr("No such file"));
}

TEST(Tool, variables_are_set_or_replaced_and_the_folder_is_its_own) {
  ASSERT_EQ(setenv("CEDE_TOOL_TEST", "old", 1), 0);
  const auto printed = output_of({.command = {"/bin/sh", "-c", "echo $CEDE_TOOL_TEST $OTHER; pwd"},
                                  .folder = "/",
                                  .variables = {"CEDE_TOOL_TEST=new", "OTHER=too"}});
  EXPECT_EQ(printed, "new too\n/");
  unsetenv("CEDE_TOOL_TEST");
}

}  // namespace
}  // namespace cede::measure
