#include "cli/serve_echo.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <cede/scope.hpp>
#include <cede/spawn.hpp>
#include <cede/tcp.hpp>
#include <cede/this_fiber.hpp>
#include <cstdlib>
#include <utility>

#include "base/cpus.hpp"
#include "base/sys.hpp"
#include "cli/advice.hpp"
#include "cli/stats_answers.hpp"

namespace cede::cli {
namespace {

using namespace std::chrono_literals;

struct how_to_spawn {
  kind what;
  attributes how;
};

how_to_spawn spawning(const serve_echo_options& options) {
  const attributes how{.name = "echo", .stack_size = options.stack_size};
  switch (options.kind) {
    case echo_kind::cooperative:
      return {kind::cooperative, how};
    case echo_kind::preemptive:
      return {kind::preemptive, how};
    case echo_kind::os_thread:
      return {kind::os_thread, how};
    case echo_kind::os_thread_fifo:
      break;
  }
  attributes fifo = how;
  fifo.policy = thread_policy::fifo;
  return {kind::os_thread, fifo};
}

std::string_view name_of(reactor_kind kind) {
  switch (kind) {
    case reactor_kind::automatic:
      return "auto";
    case reactor_kind::epoll:
      return "epoll";
    case reactor_kind::io_uring:
      break;
  }
  return "io_uring";
}

runtime_options runtime_for(const serve_echo_options& options) {
  // Of a hog that was asked for nobody need be told, and looking up its lines would disturb
  // measures.
  const auto watchdog =
      options.watchdog.value_or(options.hog_byte ? 0ms : runtime_options().watchdog);
  return {.workers = options.workers != 0 ? options.workers : base::usable_cpus(),
          .reactor = options.reactor,
          .drain = options.drain,
          .watchdog = watchdog,
          .slice = options.slice.value_or(runtime_options().slice)};
}

echo_service service_for(const serve_echo_options& options) {
  if (!options.hog_byte) return echo_service();
  return echo_service(hog{*options.hog_byte, options.hog_for.value_or(5s)});
}

// What is spawned for a connection. If that fails its stream goes back to where it came from, so
// that nobody is turned away because of a limit that may pass.
class connection {
 public:
  connection(tcp_stream& home, echo_service& service) noexcept
      : stream_(std::move(home)), home_(&home), service_(&service) {}
  connection(connection&& other) noexcept
      : stream_(std::move(other.stream_)),
        home_(std::exchange(other.home_, nullptr)),
        service_(other.service_) {}
  connection& operator=(connection&&) = delete;
  ~connection() {
    if (home_ != nullptr) *home_ = std::move(stream_);
  }

  void operator()() {
    home_ = nullptr;
    service_->serve(stream_);
  }

 private:
  tcp_stream stream_;
  tcp_stream* home_;  // while it has not started
  echo_service* service_;
};

class echo_server {
 public:
  echo_server(const serve_echo_options& options, echo_service& service)
      : options_(options), spawning_(spawning(options)), service_(service) {}

  int run() {
    if (auto possible = try_spawning(); !possible)
      return stopped(possible.error()) ? EXIT_SUCCESS : report_cannot_spawn(possible.error());
    auto listener = tcp_listener::bind(options_.host, options_.port);
    if (!listener && stopped(listener.error())) return EXIT_SUCCESS;
    if (!listener) {
      print_error(cannot_listen(options_.host, options_.port, listener.error()));
      return EXIT_FAILURE;
    }
    if (auto room = try_accepting(); !room) {
      print_error(fmt::format("no room for a single client: {}", because(room.error())));
      return EXIT_FAILURE;
    }
    announce(*listener);
    scope asides;
    if (options_.stats)
      static_cast<void>(asides.spawn([this] { answer_stats(service_.totals()); }));
    const int code = accept_all(*listener);
    asides.cancel();  // it may wait for a line that never comes
    return code;
  }

 private:
  // A missing privilege or an impossible stack shows here, before anybody can connect.
  result<> try_spawning() {
    auto trial = spawn(spawning_.what, spawning_.how, [] {});
    return trial ? trial->join() : std::unexpected(trial.error());
  }

  // By a stop signal that came before there was a listener.
  static bool stopped(std::error_code why) { return why == errc::cancelled; }

  // So does a limit that leaves no descriptor for a client, while a full table later may pass.
  static result<> try_accepting() {
    const auto one = base::sys::eventfd(0, EFD_CLOEXEC);
    if (one) base::sys::close(*one);
    const bool full = !one && one.error() == std::errc::too_many_files_open;
    return full ? result<>(std::unexpected(one.error())) : result<>();
  }

  void announce(const tcp_listener& listener) {
    const auto here = listener.local_endpoint();
    const std::string line =
        fmt::format("listening on {}, kind {}, workers {}, reactor {}\n",
                    here ? here->to_string() : options_.host, about(options_.kind).name,
                    runtime_for(options_).workers, name_of(options_.reactor));
    if (auto printed = print(line); !printed)
      print_error(
          fmt::format("standard output: {}; serving all the same", printed.error().message()));
  }

  int accept_all(tcp_listener& listener) {
    scope connections(on_failure::contain);
    for (;;) {
      auto stream = listener.accept();
      if (!stream && stream.error() == errc::cancelled) break;
      if (!stream) {
        print_error(fmt::format("accept: {}", because(stream.error())));
        return EXIT_FAILURE;
      }
      if (!start(connections, *stream)) break;
    }
    listener.close();  // while the others drain
    return EXIT_SUCCESS;
  }

  // Where a limit does not allow one more now, waits until others have left. False: cancelled.
  bool start(scope& connections, tcp_stream& stream) {
    for (bool told = false;; told = true) {
      const auto started = try_start(connections, stream);
      if (started) return true;
      if (!told) report_limit(connections.size(), started.error());
      if (!this_fiber::sleep_for(20ms)) return false;
    }
  }

  result<> try_start(scope& connections, tcp_stream& stream) {
    const log_silence reported_here;
    auto started = connections.spawn(spawning_.what, spawning_.how, connection(stream, service_));
    if (!started) return std::unexpected(started.error());
    return {};
  }

  void report_limit(std::size_t served, std::error_code why) {
    const auto now = clock::now();
    if (now < quiet_until_) return;
    quiet_until_ = now + 1min;
    print_error(
        fmt::format("{} connections are served, the next must wait: {}", served, because(why)));
  }

  int report_cannot_spawn(std::error_code why) {
    const std::string what = fmt::format("--kind {}", about(options_.kind).name);
    if (why == errc::invalid_argument)
      print_error(fmt::format("{} does not work with --stack {}: give a larger one", what,
                              options_.stack_size / 1024));
    else if (why == errc::not_supported && obstacle_to_preemptive() != nullptr)
      print_error(fmt::format("{} does not work here: {}; use another kind", what,
                              obstacle_to_preemptive()));
    else
      print_error(fmt::format("{} does not work here: {}", what, because(why)));
    return EXIT_FAILURE;
  }

  const serve_echo_options& options_;
  const how_to_spawn spawning_;
  echo_service& service_;
  clock::time_point quiet_until_ = clock::time_point::min();
};

// cede::run prints its own errors, in words that cannot know of our flags; so all that it needs is
// made once for trial.
result<> try_runtime(const runtime_options& options) {
  constexpr std::size_t main_stack = 8 * 1024 * 1024;
  auto trial = runtime::start(options);
  if (!trial) return std::unexpected(trial.error());
  auto main = trial->spawn({.stack_size = main_stack}, [] {});
  return main ? main->join() : std::unexpected(main.error());
}

void report_no_runtime(const runtime_options& options, std::error_code why) {
  if (why == errc::not_supported)
    print_error(
        fmt::format("--reactor {} does not work here: this kernel does not offer it, or "
                    "forbids it (sysctl kernel.io_uring_disabled); use epoll",
                    name_of(options.reactor)));
  else
    print_error(fmt::format("cannot start with --workers {}: {}; or use fewer workers",
                            options.workers, because(why)));
}

void print_totals(const echo_totals& totals) {
  print_error(fmt::format("served {} connections and {} bytes; {} were cut off at the end",
                          totals.connections.load(), totals.bytes.load(), totals.cut_off.load()));
}

}  // namespace

int serve_echo(const serve_echo_options& options, verbosity how_much) {
  const runtime_options how = runtime_for(options);
  if (auto possible = try_runtime(how); !possible) {
    report_no_runtime(how, possible.error());
    return EXIT_FAILURE;
  }
  echo_service service = service_for(options);
  const int code = run(how, [&] { return echo_server(options, service).run(); });
  if (how_much == verbosity::verbose) print_totals(service.totals());
  return code;
}

}  // namespace cede::cli
