/// \file
/// Structured concurrency: a scope joins all that was spawned in it.
///
///     cede::scope connections(cede::on_failure::contain);
///     while (auto stream = listener.accept())
///       connections.spawn([s = std::move(*stream)]() mutable { serve(s); });
///
/// No child outlives its scope, a finished child is freed at once, and a cancel of the fiber that
/// opened the scope reaches all children. For one fiber with an owner, `cede::spawn` is enough.
#pragma once

#include <cede/spawn.hpp>
#include <cstddef>
#include <memory>

namespace cede {

namespace detail {
class scope_state;
struct scope_state_deleter {
  void operator()(scope_state* state) const noexcept;
};
}  // namespace detail

/// What a failed child (an exception, or an error that its body returned) means for the others.
enum class on_failure : std::uint8_t {
  cancel,   ///< they are cancelled: together or not at all
  contain,  ///< nothing: it is logged and counted, as a server wants
};

struct scope_options {
  on_failure when_one_fails = on_failure::cancel;
  /// Waits inside the scope, of its children and of the fiber that opened it, end here at the
  /// latest with `deadline_exceeded`. Deadlines nest: the earliest counts.
  deadline until = never;
};

/// A child of a scope: to wait for it or to stop it before the others. Dropping the handle changes
/// nothing; the scope goes on owning the child.
class child {
 public:
  /// Waits until the child has ended. If it threw, throws the same exception.
  /// Errors: what the body returned; `cancelled` and `deadline_exceeded` of the caller's wait.
  /// Blocks: fiber or thread.
  result<> join(deadline until = never);

  /// Asks it to stop. Does not wait.
  void cancel() noexcept { detail::cancel(*child_); }

  /// Unique in this process.
  [[nodiscard]] std::uint64_t id() const noexcept { return detail::id_of(*child_); }

 private:
  friend class scope;
  explicit child(sched::spawned* spawned) noexcept : child_(spawned) {}
  detail::reference child_;
};

/// Owns what is spawned in it.
/// Threads: `spawn` and `cancel` from anywhere, children included; the rest, and the end of the
/// scope's life, by the fiber or thread that opened it.
class scope {
 public:
  scope() : scope(scope_options{}) {}
  explicit scope(on_failure what) : scope(scope_options{.when_one_fails = what}) {}
  explicit scope(const scope_options& options);
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  /// Waits for all children; cancels them first if an exception is on its way through. A failure
  /// that `join` has not delivered is logged.
  /// Blocks: fiber or thread. Not a cancellation point, but a cancel goes on to the children.
  ~scope();

  /// Starts `f` as a child. The handle may be discarded.
  /// Errors: as `cede::spawn`; they are also logged, as they are easily discarded.
  template <spawnable F>
  result<child> spawn(kind what, const attributes& how, F&& f) {
    std::decay_t<F> callable(std::forward<F>(f));
    auto spawned = start(what, how, detail::erase(callable));
    if (!spawned) return std::unexpected(spawned.error());
    return child(*spawned);
  }
  template <spawnable F>
  result<child> spawn(kind what, F&& f) {
    return spawn(what, attributes{}, std::forward<F>(f));
  }
  template <spawnable F>
  result<child> spawn(const attributes& how, F&& f) {
    return spawn(kind::cooperative, how, std::forward<F>(f));
  }
  template <spawnable F>
  result<child> spawn(F&& f) {
    return spawn(kind::cooperative, attributes{}, std::forward<F>(f));
  }

  /// Waits until no child is left; more may be spawned afterwards. If a child has thrown, throws
  /// the first such exception.
  /// Errors: the first that a child returned; `cancelled` and `deadline_exceeded` of the caller's
  /// own wait, the children then go on.
  /// Blocks: fiber or thread.
  result<> join(deadline until = never);

  /// Asks all children to stop, also those spawned later. Does not wait.
  void cancel() noexcept;

  /// Children that have not ended.
  [[nodiscard]] std::size_t size() const noexcept;

  /// Children that have failed so far. A child that ends with `cancelled` has not failed.
  [[nodiscard]] std::size_t failures() const noexcept;

 private:
  result<sched::spawned*> start(kind what, const attributes& how, const detail::body& callable);

  std::unique_ptr<detail::scope_state, detail::scope_state_deleter> state_;
};

}  // namespace cede
