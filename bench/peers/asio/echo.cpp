// The peer on standalone Asio: a C++20 coroutine for each connection.
//
// Settings are those Asio recommends: for one thread an io_context that is told so, which then
// takes no locks; for more, as many threads that run one io_context. Errors come as tuples, since
// an exception for each end of a stream would cost more than the connection.

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr std::size_t read_bytes = 4096;
constexpr auto as_values = asio::experimental::as_tuple(asio::use_awaitable);

// A connection whose first byte is this one spins that long before its first reply.
struct hog {
  char first = 0;
  std::chrono::milliseconds time{5000};
};

struct options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  unsigned threads = 0;
  std::optional<char> hog_byte;
  std::chrono::milliseconds hog_for{5000};
};

[[noreturn]] void fail(const std::string& line) {
  std::fprintf(stderr, "echo_asio: %s\n", line.c_str());
  std::exit(1);
}

void spin(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

asio::awaitable<void> serve(tcp::socket stream, std::optional<hog> hog) {
  std::array<char, read_bytes> buffer;
  for (;;) {
    const auto [error, n] = co_await stream.async_read_some(asio::buffer(buffer), as_values);
    if (error) co_return;
    if (hog && buffer.front() == hog->first) spin(hog->time);
    hog.reset();
    const auto [failed, written] =
        co_await asio::async_write(stream, asio::buffer(buffer, n), as_values);
    if (failed) co_return;
  }
}

// Whether others that leave will make an accept possible that was not; see accept(2).
bool passes(const asio::error_code& error) {
  const int number = error.value();
  return error.category() == asio::system_category() &&
         (number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM);
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, std::optional<hog> hog) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer pause(executor);
  for (;;) {
    auto [error, stream] = co_await acceptor.async_accept(as_values);
    if (!error) {
      stream.set_option(tcp::no_delay(true), error);
      asio::co_spawn(executor, serve(std::move(stream), hog), asio::detached);
    } else if (passes(error)) {
      pause.expires_after(10ms);
      co_await pause.async_wait(as_values);
    } else if (error != asio::error::connection_aborted && error != asio::error::interrupted) {
      fail("accept: " + error.message());
    }
  }
}

template <class Number>
Number number(std::string_view option, std::string_view text, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most)
    fail(std::string(option) + " " + std::string(text) + ": use a number from 0 to " +
         std::to_string(most));
  return value;
}

// One character, or a byte such as 0x48.
char byte(std::string_view option, std::string_view text) {
  if (text.size() == 1) return text.front();
  unsigned value = 0;
  const char* const last = text.data() + text.size();
  if (text.size() == 4 && text.starts_with("0x"))
    if (const auto read = std::from_chars(text.data() + 2, last, value, 16);
        read.ec == std::errc() && read.ptr == last)
      return static_cast<char>(value);
  fail(std::string(option) + " " + std::string(text) +
       ": use one character, or a byte such as 0x48");
}

// A whole number and its unit: 500ms, 3s, 2min, 1h.
std::chrono::milliseconds time_of(std::string_view option, std::string_view text) {
  constexpr std::chrono::milliseconds longest = 24h;
  std::uint32_t count = 0;
  const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view name(unit, static_cast<std::size_t>(text.data() + text.size() - unit));
  const std::chrono::milliseconds one = name == "ms"    ? 1ms
                                        : name == "s"   ? 1s
                                        : name == "min" ? 1min
                                        : name == "h"   ? 1h
                                                        : 0ms;
  if (error != std::errc() || one == 0ms || count > longest / one)
    fail(std::string(option) + " " + std::string(text) +
         ": use a time with its unit, such as 500ms, 3s or 2min, at most 24h");
  return count * one;
}

options parse(std::span<char*> arguments) {
  options result;
  while (!arguments.empty()) {
    std::string_view option = arguments.front();
    arguments = arguments.subspan(1);
    std::string_view value;
    if (const auto equals = option.find('='); equals != option.npos) {
      value = option.substr(equals + 1);
      option = option.substr(0, equals);
    } else if (!arguments.empty()) {
      value = arguments.front();
      arguments = arguments.subspan(1);
    } else {
      fail(std::string(option) + ": unknown, or its value is missing");
    }
    if (option == "--host") {
      result.host = value;
    } else if (option == "--port") {
      result.port = number<std::uint16_t>(option, value, 65535);
    } else if (option == "--threads") {
      result.threads = number<unsigned>(option, value, 1024);
    } else if (option == "--hog-byte") {
      result.hog_byte = byte(option, value);
    } else if (option == "--hog-for") {
      result.hog_for = time_of(option, value);
    } else {
      fail("unknown argument '" + std::string(option) +
           "': use --host, --port, --threads, --hog-byte, --hog-for");
    }
  }
  return result;
}

unsigned usable_cpus() {
  cpu_set_t set;
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  return known ? static_cast<unsigned>(std::max(1, CPU_COUNT(&set))) : 1;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

tcp::acceptor listen_on(asio::io_context& context, const options& chosen) {
  asio::error_code error;
  const auto address = asio::ip::make_address(chosen.host, error);
  if (error)
    fail("--host " + chosen.host +
         ": not an IPv4 or IPv6 address; use one such as 127.0.0.1 or ::1");
  try {
    return {context, tcp::endpoint(address, chosen.port)};
  } catch (const std::system_error& failure) {
    fail("cannot listen on " + chosen.host + ":" + std::to_string(chosen.port) + ": " +
         failure.code().message() + "; choose another --port");
  }
}

void serve_all(const options& chosen) {
  const unsigned threads = chosen.threads != 0 ? chosen.threads : usable_cpus();
  asio::io_context context(static_cast<int>(threads));
  auto acceptor = listen_on(context, chosen);
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([](auto, auto) { std::_Exit(0); });
  std::optional<hog> hog;
  if (chosen.hog_byte) hog = {*chosen.hog_byte, chosen.hog_for};
  asio::co_spawn(context, accept_all(acceptor, hog), asio::detached);
  const auto here = acceptor.local_endpoint();
  std::printf("listening on %s:%u\n", chosen.host.c_str(), static_cast<unsigned>(here.port()));
  std::fflush(stdout);
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back([&context] { context.run(); });
  context.run();
}

}  // namespace

int main(int argc, char** argv) {
  const options chosen = parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  raise_descriptor_limit();
  try {
    serve_all(chosen);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}
