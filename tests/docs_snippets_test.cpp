// The code in README.md and docs/*.md, so that it compiles: tests/project/docs_test.py checks that
// each block there stands here, or in an example, line by line. What the blocks take for granted is
// declared around them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <array>
#include <cede/cede.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace docs {

using namespace std::chrono_literals;

struct database_type {
  std::vector<int> query(const std::string& text) { return {static_cast<int>(text.size())}; }
};

std::array<std::byte, 64> buffer;
std::array<std::byte, 4> header;
std::span<const std::byte> page;
std::mutex std_guard;
cede::mutex cede_guard;
std::vector<int> rows;
database_type database;
const std::string text = "select";
const char* const path = "/etc/hostname";
const char* const host = "localhost";
int left_to_do = 3;
bool timed_out = false;

void serve(cede::tcp_stream&) {}
void serve_all() {}
void retry_later() {}
void give_up(std::error_code) {}
int ask_server() { return 42; }
cede::result<> ask(int) { return {}; }
bool more_to_do() { return left_to_do > 0; }
void work_on_next() { --left_to_do; }
void beat_until_cancelled() { static_cast<void>(cede::this_fiber::sleep_for(1h)); }
std::string parse_file(const char* name) { return name; }
void test_of_a_timeout() { timed_out = cede::this_fiber::sleep_for(1h).has_value(); }
void crunch(int) {}
std::size_t hash_whole_file(const char* name) { return std::strlen(name); }
void reply(cede::tcp_stream& to, const char* line) { static_cast<void>(to.write_all(line)); }
void parse_deeply_nested() {}
void consume(std::span<const std::byte>) {}

// --- docs/getting-started.md

void first_server(cede::scope& connections, cede::result<cede::tcp_stream>& stream) {
  connections.spawn(cede::os_thread, {.name = "client"},
                    [s = std::move(*stream)]() mutable { serve(s); });
}

int options() {
  return cede::run({.workers = 2, .drain = 10s}, [] { serve_all(); });
}

int embedded() {
  auto runtime = cede::runtime::start({.workers = 1}).value();
  int answer = runtime.run([] { return ask_server(); });  // waits here for a fiber there
  return answer;
}

void deadline_of_a_call(cede::tcp_stream& stream) {
  auto n = stream.read_some(buffer, 50ms);
  if (!n && n.error() == cede::errc::deadline_exceeded) return retry_later();
}

void deadline_of_several(cede::tcp_stream& stream) {
  const cede::deadline limit = 2s;
  if (auto head = stream.read_exact(header, limit); !head) return give_up(head.error());
  if (auto sent = stream.write_all("220 ready\r\n", limit); !sent) return give_up(sent.error());
}

void deadline_of_a_scope(int first, int second) {
  cede::scope queries({.until = 500ms});
  queries.spawn([&] { return ask(first); });
  queries.spawn([&] { return ask(second); });
  if (auto all = queries.join(); !all) return give_up(all.error());
}

void cancellation() {
  while (more_to_do() && !cede::this_fiber::cancelled()) work_on_next();
}

void contained() {
  cede::scope connections(cede::on_failure::contain);  // logs and counts it; the others go on
}

void one_fiber() {
  auto heart = cede::spawn({.name = "heart"}, [] { beat_until_cancelled(); }).value();
}

std::string elsewhere() {
  auto config = cede::blocking([] { return parse_file("/etc/app.conf"); });
  return config;
}

void repeatable() {
  cede::run({.seed = 42}, [] { test_of_a_timeout(); });
}

// --- docs/what-not-to-do.md

std::size_t yielding() {
  for (const auto& row : rows) {
    crunch(row);
    cede::this_fiber::yield();
  }
  auto digest = cede::blocking([&] { return hash_whole_file(path); });
  return digest;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-result"  // the wrong one is as careless as they come
void std_mutex(cede::tcp_stream& stream) {
  const std::lock_guard hold(std_guard);  // wrong
  stream.write_all(page);                 // may park
}
#pragma GCC diagnostic pop

void cede_mutex(cede::tcp_stream& stream) {
  const std::lock_guard hold(cede_guard);
  if (auto sent = stream.write_all(page); !sent) return;
}

void errno_of_a_call(cede::tcp_stream& stream) {
  const int got = ::open(path, O_RDONLY | O_CLOEXEC);
  const int error = errno;  // before anything that may wait
  if (got < 0) reply(stream, std::strerror(error));
}

std::size_t library() {
  auto orders = cede::blocking([&] { return database.query(text); });
  return orders.size();
}

int resolver(addrinfo hints, addrinfo* found) {
  const int answer = cede::blocking([&] { return ::getaddrinfo(host, "https", &hints, &found); });
  return answer;
}

std::size_t larger_stack(cede::scope& parsers) {
  parsers.spawn({.stack_size = 1024 * 1024}, [] { parse_deeply_nested(); });
  auto used = cede::this_fiber::stack_high_water();  // in tests: how far it came
  return used;
}

void leaving_on_errors(cede::tcp_stream& stream) {
  while (true) {
    auto n = stream.read_some(buffer);
    if (!n || *n == 0) break;  // any error: leave
    consume(std::span(buffer).first(*n));
  }
}

}  // namespace docs

namespace {

TEST(docs, an_embedded_runtime_answers) { EXPECT_EQ(docs::embedded(), 42); }

TEST(docs, a_test_of_an_hour_takes_no_time) {
  docs::repeatable();
  EXPECT_TRUE(docs::timed_out);
}

TEST(docs, the_calls_that_need_no_peer_work_in_a_fiber) {
  const int code = cede::run({.workers = 1, .signals = cede::stop_signals::left_alone}, [] {
    docs::deadline_of_a_scope(1, 2);
    docs::cancellation();
    docs::contained();
    docs::one_fiber();
    EXPECT_EQ(docs::elsewhere(), "/etc/app.conf");
    EXPECT_EQ(docs::yielding(), std::strlen(docs::path));
    EXPECT_EQ(docs::library(), 1U);
    cede::scope parsers;
    EXPECT_GT(docs::larger_stack(parsers), 0U);
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(docs::left_to_do, 0);
}

}  // namespace
