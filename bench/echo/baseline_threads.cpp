// The other reference: one POSIX thread per connection in plain blocking recv and send, under
// SCHED_OTHER or SCHED_FIFO. cede's `os-thread` kinds are compared with it.
//
// Under SCHED_FIFO the accepting thread has the higher of two priorities: otherwise busy
// connections on the same core would keep new ones out for ever.

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>

#include "baseline_listen.hpp"

namespace {

using namespace bench::baseline;

constexpr int connection_priority = 1;
constexpr int accept_priority = 2;

// Set before the first thread starts.
hog hogging;

struct options {
  address target;
  std::string policy = "other";
  std::size_t stack_kib = 8192;
};

bool send_all(int connection, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(connection, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

void* serve(void* argument) {
  const int connection = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
  std::array<char, read_bytes> buffer;
  for (bool first = true;;) {
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (first) hogging.before_first_reply(buffer.front());
    first = false;
    if (!send_all(connection, buffer.data(), static_cast<std::size_t>(got))) break;
  }
  close(connection);
  return nullptr;
}

void require(int error, const char* what) {
  if (error != 0) fail(fmt::format("{}: {}", what, strerror(error)));
}

void enter_fifo() {
  sched_param parameters{};
  parameters.sched_priority = accept_priority;
  const int error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
  if (error == EPERM)
    fail("--policy fifo: SCHED_FIFO is not permitted; needs CAP_SYS_NICE or RLIMIT_RTPRIO >= 2");
  require(error, "--policy fifo");
}

void set_fifo(pthread_attr_t& attributes) {
  sched_param parameters{};
  parameters.sched_priority = connection_priority;
  require(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED), "inheritsched");
  require(pthread_attr_setschedpolicy(&attributes, SCHED_FIFO), "schedpolicy");
  require(pthread_attr_setschedparam(&attributes, &parameters), "schedparam");
}

[[noreturn]] void accept_forever(int listener, const pthread_attr_t& attributes) {
  for (;;) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (connection < 0 && is_passing_shortage(errno)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // until some have ended
      continue;
    }
    if (connection < 0) fail(accept_failure(errno));
    disable_nagle(connection);
    pthread_t thread;
    void* argument = reinterpret_cast<void*>(static_cast<std::intptr_t>(connection));
    const int error = pthread_create(&thread, &attributes, serve, argument);
    if (error != 0)
      fail(
          fmt::format("pthread_create: {}; raise RLIMIT_NPROC, kernel.threads-max or the cgroup's "
                      "pids.max, or lower --stack",
                      strerror(error)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Echo server: one blocking POSIX thread per connection", "echo_baseline_threads"};
  options chosen;
  add_address_options(app, chosen.target);
  add_hog_options(app, hogging);
  app.add_option("--policy", chosen.policy, "scheduling policy: other or fifo")
      ->check(CLI::IsMember({"other", "fifo"}))
      ->capture_default_str();
  app.add_option("--stack", chosen.stack_kib, "stack of each thread in KiB")
      ->check(CLI::Range(std::size_t{16}, std::size_t{1} << 20))
      ->capture_default_str();
  parse_or_exit(app, argc, argv);

  raise_descriptor_limit();
  exit_on_termination_signals();
  pthread_attr_t attributes;
  require(pthread_attr_init(&attributes), "pthread_attr_init");
  require(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), "detachstate");
  const auto stack = std::max(chosen.stack_kib * 1024, static_cast<std::size_t>(PTHREAD_STACK_MIN));
  require(pthread_attr_setstacksize(&attributes, stack), "--stack");
  if (chosen.policy == "fifo") {
    enter_fifo();
    set_fifo(attributes);
  }
  auto listener = listen_on(chosen.target, 0, port_sharing::exclusive);
  if (!listener) fail(listener.error());
  announce(chosen.target, *listener);
  accept_forever(*listener, attributes);
}
