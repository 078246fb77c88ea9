// The one place that assembles policies, workers and reactors. `cede::run` and `cede::runtime` are
// two ways to drive it.
#pragma once

#include <cede/runtime.hpp>
#include <memory>
#include <string>

#include "base/signals.hpp"
#include "base/virtual_clock.hpp"
#include "sched/scheduler.hpp"
#include "scope/scope_state.hpp"

namespace cede::assembly {

/// What a runtime consists of. Made on the thread that will be worker 0, if one will be.
class engine {
 public:
  static result<std::unique_ptr<engine>> create(const runtime_options& options);
  ~engine();
  /// Which option no runtime can have, its value, and what to give; empty if there is none.
  static std::string complaint_about(const runtime_options& options);
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  sched::scheduler& scheduler() noexcept { return *scheduler_; }
  /// The scope of all that was spawned without one.
  detail::scope_state& root() noexcept { return root_; }

 private:
  explicit engine(const runtime_options& options);

  base::signals::sigpipe_exemption no_sigpipe_;
  std::optional<base::virtual_clock> virtual_clock_;
  std::optional<base::virtual_clock::installation> installed_clock_;
  detail::scope_state root_;
  std::unique_ptr<sched::scheduler> scheduler_;
};

}  // namespace cede::assembly
