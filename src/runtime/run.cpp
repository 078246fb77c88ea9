// cede::run: the main fiber on the calling thread, and what SIGTERM and SIGINT do to it.
#include <cxxabi.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "base/fork_guard.hpp"
#include "base/log.hpp"
#include "context/machine.hpp"
#include "runtime/engine.hpp"
#include "sched/outcome_text.hpp"
#include "sched/parking.hpp"

namespace cede {
namespace {

using assembly::engine;

constexpr std::size_t main_stack = 8 * 1024 * 1024;

// Turns the stop signals into cancels of the main fiber. Its callback runs on the signals thread.
class stop_on_signals {
 public:
  stop_on_signals(engine& on, const runtime_options& options, sched::runnable& main)
      : engine_(on), drain_(options.drain), main_(main) {
    if (options.signals == stop_signals::left_alone || options.seed) return;
    constexpr std::array numbers{SIGTERM, SIGINT};
    auto subscribed = base::signals::subscribe(numbers, [this](int) { on_signal(); });
    if (subscribed)
      subscription_ = std::move(*subscribed);
    else
      base::log(log_level::warning, "SIGTERM and SIGINT will end this process at once: " +
                                        subscribed.error().message());
  }
  stop_on_signals(const stop_on_signals&) = delete;
  stop_on_signals& operator=(const stop_on_signals&) = delete;

 private:
  void on_signal() {
    if (std::exchange(stopping_, true) || !start_drain()) return sched::cancel(main_);
    sched::cancel_alone(main_);
  }

  // A thread waits for the end of the drain: this one must be free for the next signal, and of the
  // workers none may be free to run a fiber when the time is over.
  bool start_drain() {
    // By value: the main function may end, and this object with it, before the fiber starts.
    auto drain = [time = drain_, main = &main_] {
      if (sched::park_until(sched::wait_reason::sleep, time) == sched::wake::deadline)
        sched::cancel(*main);
    };
    const attributes how{.name = "drain", .stack_size = 64 * 1024};
    auto started =
        engine_.scheduler().spawn(kind::os_thread, how, detail::erase(drain), &engine_.root());
    if (!started) return false;
    (*started)->release();
    return true;
  }

  engine& engine_;
  const std::chrono::milliseconds drain_;
  sched::runnable& main_;
  bool stopping_ = false;
  base::signals::subscription subscription_;  // last: dropped first, and with it the callback
};

int run_main(engine& on, const runtime_options& options, const std::function<int()>& main) {
  const stop_on_signals stop(on, options, sched::current());
  try {
    return main();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    detail::report_thrown_by_main(std::current_exception());
  }
}

int run_on(engine& on, const runtime_options& options, const std::function<int()>& main) {
  int code = EXIT_FAILURE;
  auto body = [&] {
    code = run_main(on, options, main);
    // Handles may outlive the main function, in a static for one: what they hold must end now.
    on.root().cancel();
    on.root().join_without_fail();
    on.scheduler().stop_first();
  };
  const attributes how{.name = "main", .stack_size = main_stack, .where = placement::same_worker};
  if (auto started = on.scheduler().start_threads(1); !started)
    return detail::report_failed_main(started.error());
  auto fiber = on.scheduler().spawn(kind::cooperative, how, detail::erase(body), nullptr);
  if (!fiber) return detail::report_failed_main(fiber.error());
  on.scheduler().run_here();
  (*fiber)->release();
  on.scheduler().stop();
  return code;
}

}  // namespace

int detail::run(const runtime_options& options, const std::function<int()>& main) {
  base::require_not_forked_child("run");
  if (sched::scheduler::current() != nullptr)
    return report_failed_main(make_error_code(errc::nested_run));
  if (const std::string complaint = engine::complaint_about(options); !complaint.empty()) {
    std::fprintf(stderr, "cede: runtime_options::%s\n", complaint.c_str());
    return EXIT_FAILURE;
  }
  auto made = engine::create(options);
  if (!made && context::obstacle_to_switching() != nullptr) return EXIT_FAILURE;  // it said so
  if (!made) return report_failed_main(made.error());
  return run_on(**made, options, main);
}

int detail::report_failed_main(std::error_code error) noexcept {
  std::fprintf(stderr, "cede: %s\n", error.message().c_str());
  return EXIT_FAILURE;
}

void detail::report_thrown_by_main(std::exception_ptr thrown) noexcept {
  const std::string text = sched::text_of({.exception = std::move(thrown), .error = {}});
  std::fprintf(stderr, "cede: an exception left the main fiber: %s\n", text.c_str());
  std::abort();
}

}  // namespace cede
