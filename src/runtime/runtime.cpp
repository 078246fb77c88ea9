#include <cxxabi.h>

#include <cede/runtime.hpp>
#include <exception>
#include <system_error>
#include <utility>

#include "base/assert.hpp"
#include "base/fork_guard.hpp"
#include "runtime/engine.hpp"

namespace cede {

class runtime::state {
 public:
  explicit state(std::unique_ptr<assembly::engine> made) : engine(std::move(made)) {}
  ~state() {
    // Such a child has the memory of a runtime, but none of its threads.
    if (base::in_forked_child()) {
      static_cast<void>(engine.release());
      return;
    }
    CEDE_REQUIRE(sched::scheduler::current() != &engine->scheduler(),
                 "a runtime is destroyed by one of its own fibers");
    engine->root().cancel();
    engine->root().join_without_fail();
    engine->scheduler().stop();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  std::unique_ptr<assembly::engine> engine;
};

runtime::runtime(std::unique_ptr<state> made) noexcept : state_(std::move(made)) {}
runtime::runtime(runtime&&) noexcept = default;
runtime& runtime::operator=(runtime&&) noexcept = default;
runtime::~runtime() = default;

result<runtime> runtime::start(const runtime_options& options) {
  // Virtual time belongs to the thread that runs the fibers: that is cede::run's.
  if (options.seed) return failure(errc::invalid_argument);
  auto made = assembly::engine::create(options);
  if (!made) return std::unexpected(made.error());
  auto holder = std::make_unique<state>(std::move(*made));
  if (auto started = holder->engine->scheduler().start_threads(0); !started)
    return std::unexpected(started.error());
  return runtime(std::move(holder));
}

result<sched::spawned*> runtime::start(kind what, const attributes& how,
                                       const detail::body& callable) {
  return state_->engine->scheduler().spawn(what, how, callable, &state_->engine->root());
}

void runtime::run_and_wait(const std::function<void()>& f) {
  std::exception_ptr thrown;
  auto started = spawn([&f, &thrown] {
    try {
      f();
    } catch (const abi::__forced_unwind&) {
      throw;
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  if (!started) throw std::system_error(started.error(), "cede::runtime::run");
  // A cancel of the caller must not leave `f` behind with references to its stack.
  const auto joined = started->join();
  if (!joined) *started = fiber();
  if (thrown) std::rethrow_exception(thrown);
}

unsigned runtime::workers() const noexcept {
  return static_cast<unsigned>(state_->engine->scheduler().workers().size());
}

}  // namespace cede
