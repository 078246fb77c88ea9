/// \file
/// Where fibers run: `cede::run` for a program that is all cede, `cede::runtime` to embed one in an
/// application that has a main loop and threads of its own.
///
///     int main() {
///       return cede::run([] {
///         auto listener = cede::tcp_listener::bind("127.0.0.1", 7000).value();
///         ...
///       });
///     }
#pragma once

#include <cede/error.hpp>
#include <cede/hog_report.hpp>
#include <cede/reactor_kind.hpp>
#include <cede/spawn.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace cede {

/// What SIGTERM and SIGINT do to `cede::run`.
enum class stop_signals : std::uint8_t {
  /// The first cancels the main fiber alone, so that a server stops to accept and its connections
  /// can finish; after `runtime_options::drain`, or at the second, all that is left is cancelled.
  drain,
  left_alone,  ///< they do what they did before
};

/// In which order a worker runs what is ready.
enum class run_order : std::uint8_t {
  first_come,  ///< first come, first served
  priority,    ///< `attributes::priority` first; the others get at least every 32nd turn
};

struct runtime_options {
  /// Threads that run fibers; 0: one for each CPU that this process may use, by its affinity mask
  /// and its cgroup's quota.
  unsigned workers = 0;
  reactor_kind reactor = reactor_kind::automatic;
  run_order order = run_order::first_come;
  stop_signals signals = stop_signals::drain;
  std::chrono::milliseconds drain{3000};
  /// For tests: one worker, virtual time (a sleep takes no time), and this seed decides who runs
  /// next, so one seed is one schedule. An empty event queue with waiters is reported as a deadlock
  /// and aborts.
  std::optional<std::uint64_t> seed = std::nullopt;
  /// A cooperative fiber that has kept its worker for this long is reported, once for each such
  /// stretch and at most once a second: a warning in the log with who and where it is. 0: never,
  /// which costs nothing. Not with a seed.
  std::chrono::milliseconds watchdog{100};
  /// Called with each report, on a thread of its own; must not wait for the fibers.
  std::function<void(const hog_report&)> on_hog = nullptr;
  /// How long a preemptive fiber may run before others that are ready get the CPU, 500 us to 1 s.
  std::chrono::microseconds slice{10'000};
  /// How many preemptive fibers may sit in blocking system calls at once while their workers go on
  /// on spare threads, 0 to 1024. Threads start as they are needed, one in advance, and end when
  /// they have had nothing to do for 10 seconds. More fibers that block hold up their workers.
  unsigned spare_threads = 64;
};

namespace detail {

// What the main fiber's function gave back becomes an exit code; an error is printed.
int report_failed_main(std::error_code error) noexcept;
[[noreturn]] void report_thrown_by_main(std::exception_ptr thrown) noexcept;

template <class F>
int exit_code_of(F& f) {
  using returned = std::invoke_result_t<F&>;
  if constexpr (carries_error<returned>) {
    auto r = f();
    if (!r.has_value()) return report_failed_main(r.error());
    if constexpr (std::convertible_to<typename returned::value_type, int>) return *r;
    return 0;
  } else if constexpr (std::convertible_to<returned, int>) {
    return f();
  } else {
    static_cast<void>(f());
    return 0;
  }
}

int run(const runtime_options& options, const std::function<int()>& main);

}  // namespace detail

/// Runs `f` as the main fiber, a cooperative one (with a stack of 8 MiB, of which only touched
/// pages cost memory), on the calling thread, and fibers on as many threads as there are workers.
/// Returns when `f` has ended and all that it spawned: 0 for void, the int that `f` returned, 1
/// after printing the error of a `result`. An exception that leaves `f` is printed and aborts.
/// Errors: printed, and 1: inside another run of the same thread; no reactor; no thread.
/// Blocks: the calling thread. May be called again afterwards.
template <spawnable F>
int run(const runtime_options& options, F&& f) {
  return detail::run(options, [&f] { return detail::exit_code_of(f); });
}

template <spawnable F>
int run(F&& f) {
  return run(runtime_options{}, std::forward<F>(f));
}

/// A runtime beside the application's own threads. Several may exist at once.
///
///     auto runtime = cede::runtime::start({.workers = 2}).value();
///     auto server = runtime.spawn(serve).value();   // from any thread
///     int answer = runtime.run([] { return ask(); });  // waits here for a fiber there
class runtime {
 public:
  /// `signals` is not looked at: signals stay the application's.
  /// Errors: `invalid_argument`, `thread_unavailable`, `not_supported` (the reactor), errno.
  [[nodiscard]] static result<runtime> start(const runtime_options& options = {});

  runtime(runtime&&) noexcept;
  runtime& operator=(runtime&&) noexcept;
  /// Cancels what still runs and waits for it.
  /// Blocks: the calling thread. Requires: not one of this runtime's own fibers or threads.
  ~runtime();

  /// As `cede::spawn`, from any thread; the fiber belongs to this runtime.
  template <spawnable F>
  [[nodiscard]] result<fiber> spawn(kind what, const attributes& how, F&& f) {
    std::decay_t<F> callable(std::forward<F>(f));
    auto child = start(what, how, detail::erase(callable));
    if (!child) return std::unexpected(child.error());
    return detail::make_fiber(*child);
  }
  template <spawnable F>
  [[nodiscard]] result<fiber> spawn(F&& f) {
    return spawn(kind::cooperative, attributes{}, std::forward<F>(f));
  }
  template <spawnable F>
  [[nodiscard]] result<fiber> spawn(kind what, F&& f) {
    return spawn(what, attributes{}, std::forward<F>(f));
  }
  template <spawnable F>
  [[nodiscard]] result<fiber> spawn(const attributes& how, F&& f) {
    return spawn(kind::cooperative, how, std::forward<F>(f));
  }

  /// Runs `f` as a fiber there and waits for what it returns or throws.
  /// Errors: throws std::system_error if the fiber cannot be spawned.
  /// Blocks: fiber or thread.
  template <spawnable F>
  auto run(F&& f) -> std::invoke_result_t<F&> {
    using returned = std::invoke_result_t<F&>;
    if constexpr (std::is_void_v<returned>) {
      run_and_wait([&f] { f(); });
    } else {
      std::optional<returned> value;
      run_and_wait([&f, &value] { value.emplace(f()); });
      return std::move(*value);
    }
  }

  /// How many threads run fibers.
  [[nodiscard]] unsigned workers() const noexcept;

 private:
  class state;
  explicit runtime(std::unique_ptr<state> made) noexcept;
  result<sched::spawned*> start(kind what, const attributes& how, const detail::body& callable);
  void run_and_wait(const std::function<void()>& f);

  std::unique_ptr<state> state_;
};

}  // namespace cede
