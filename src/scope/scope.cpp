#include <cede/scope.hpp>

#include "base/log.hpp"
#include "scope/scope_state.hpp"

namespace cede {

void detail::scope_state_deleter::operator()(scope_state* state) const noexcept { delete state; }

scope::scope(const scope_options& options)
    : state_(new detail::scope_state(options, &sched::current())) {}

scope::~scope() {
  if (state_->unwinding()) state_->cancel();
  state_->join_without_fail();
  state_->log_unseen_failure();
}

result<sched::spawned*> scope::start(kind what, const attributes& how,
                                     const detail::body& callable) {
  auto started = detail::spawn(what, how, callable, state_.get());
  if (!started)
    base::log(log_level::warning, "scope: could not spawn a child: " + started.error().message());
  return started;
}

result<> scope::join(deadline until) { return state_->join(until); }
void scope::cancel() noexcept { state_->cancel(); }
std::size_t scope::size() const noexcept { return state_->size(); }
std::size_t scope::failures() const noexcept { return state_->failures(); }

result<> child::join(deadline until) {
  if (auto joined = detail::join(*child_, until); !joined) return joined;
  const detail::outcome& ended = detail::outcome_of(*child_);
  if (ended.exception) std::rethrow_exception(ended.exception);
  if (ended.error) return std::unexpected(ended.error);
  return {};
}

}  // namespace cede
