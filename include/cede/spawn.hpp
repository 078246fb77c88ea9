/// \file
/// Starting fibers and OS threads, and waiting for them.
///
///     auto worker = cede::spawn({.name = "worker"}, [] { compute(); }).value();
///     auto thread = cede::spawn(cede::os_thread, [] { legacy_library(); }).value();
///     worker.join();
///
/// What a server wants for its connections is `cede::scope` (scope.hpp), which joins all that was
/// spawned in it.
#pragma once

#include <cede/deadline.hpp>
#include <cede/error.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace cede {

/// Who decides when it runs.
enum class kind : std::uint8_t {
  cooperative,  ///< a fiber that runs until it waits, yields or ends
  os_thread,    ///< a thread of its own, scheduled by the kernel
  preemptive,   ///< a fiber that others may interrupt when its slice is over; a thread to libraries
};

inline constexpr kind cooperative = kind::cooperative;
inline constexpr kind os_thread = kind::os_thread;
inline constexpr kind preemptive = kind::preemptive;

/// The kernel's policy for an OS thread; sched(7).
enum class thread_policy : std::uint8_t { other, fifo };

/// Where a new fiber starts.
enum class placement : std::uint8_t {
  least_loaded,  ///< on the worker with the least to do; an idle one may steal it until it starts
  same_worker,   ///< on the worker that spawns it: the two never run at the same time
};

/// How to spawn; every field may be left out.
struct attributes {
  /// Shown in reports; copied, up to 63 bytes.
  std::string_view name = {};
  /// Bytes; 0 is the default: 64 KiB for a fiber (rounded up to a power of two from 16 KiB to
  /// 8 MiB, of which a guard is part), 256 KiB for a preemptive one, the system's (`ulimit -s`)
  /// for an OS thread.
  std::size_t stack_size = 0;
  placement where = placement::least_loaded;
  /// Fibers: 0 (most urgent) to 2, under a policy that looks at it.
  int priority = 1;
  /// OS threads only.
  thread_policy policy = thread_policy::other;
  /// OS threads under thread_policy::fifo: 1 to 99.
  int realtime_priority = 1;
  /// Preemptive fibers only: how long it may run before others that are ready get the CPU, 500 us
  /// to 1 s; 0: `runtime_options::slice`.
  std::chrono::microseconds slice{0};
};

/// Why there are no preemptive fibers in this process, in one line that names what was looked for
/// in vain, or nullptr if there are. The first call looks, which takes some 100 us.
/// Threads: any.
[[nodiscard]] const char* obstacle_to_preemptive() noexcept;

namespace sched {
class spawned;
class child_group;
}  // namespace sched

class fiber;

namespace detail {

// How the body of something spawned ended.
struct outcome {
  std::exception_ptr exception;
  std::error_code error;
  [[nodiscard]] bool failed() const noexcept { return exception != nullptr || error; }
};

// A callable with its type erased, to be moved into the stack or control block of what it starts.
struct body {
  void* source;  // the caller's object
  std::size_t size;
  std::size_t alignment;
  void (*move_to)(void* source, void* storage);
  void (*run)(void* storage, outcome& ended);  // runs and destroys; may throw
  void (*destroy)(void* storage) noexcept;
};

template <class R>
concept carries_error = requires(const R& r) {
  { r.has_value() } -> std::convertible_to<bool>;
  { r.error() } -> std::convertible_to<std::error_code>;
};

template <class F>
void run_body(void* storage, outcome& ended) {
  F* const callable = std::launder(static_cast<F*>(storage));
  struct guard {
    F* f;
    ~guard() { std::destroy_at(f); }
  } const destroy_at_end{callable};
  using returned = std::invoke_result_t<F&>;
  if constexpr (carries_error<returned>) {
    if (auto r = (*callable)(); !r.has_value()) ended.error = r.error();
  } else {
    static_cast<void>((*callable)());
  }
}

template <class F>
body erase(F& f) noexcept {
  return {.source = std::addressof(f),
          .size = sizeof(F),
          .alignment = alignof(F),
          .move_to = [](void* from, void* to) { ::new (to) F(std::move(*static_cast<F*>(from))); },
          .run = &run_body<F>,
          .destroy = [](void* at) noexcept { std::destroy_at(static_cast<F*>(at)); }};
}

// `group` may be null. The reference that comes back belongs to the caller: give it to a handle.
result<sched::spawned*> spawn(kind what, const attributes& how, const body& callable,
                              sched::child_group* group);

// The handle takes the reference over.
fiber make_fiber(sched::spawned* child) noexcept;

void release(sched::spawned* child) noexcept;
void cancel(sched::spawned& child) noexcept;
result<> join(sched::spawned& child, deadline until);
outcome& outcome_of(sched::spawned& child) noexcept;
std::uint64_t id_of(const sched::spawned& child) noexcept;

struct releaser {
  void operator()(sched::spawned* child) const noexcept { release(child); }
};
using reference = std::unique_ptr<sched::spawned, releaser>;

}  // namespace detail

/// What can be spawned: callable without arguments, once. If it returns a `result`, an error in
/// it counts as a failure, as an escaping exception does.
template <class F>
concept spawnable = std::invocable<std::decay_t<F>&> && std::move_constructible<std::decay_t<F>>;

/// Owns a fiber or OS thread. Move-only; one that is dropped is cancelled and joined first, so
/// nothing runs on behind its owner's back.
/// Threads: one at a time, like any object.
class [[nodiscard]] fiber {
 public:
  fiber() noexcept = default;
  fiber(fiber&&) noexcept = default;
  fiber& operator=(fiber&& other) noexcept;
  /// Cancels and joins. A failure that nobody has looked at goes to the log.
  /// Blocks: until it has ended.
  ~fiber();

  /// Waits until it has ended. If it threw, throws the same exception. A second join of an ended
  /// one returns at once, without error.
  /// Errors: what the body returned as its error; `cancelled` if the *caller* is cancelled while it
  /// waits, `deadline_exceeded` if `until` passes first: then it still runs and can be joined
  /// again.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<> join(deadline until = never);

  /// Asks it to stop: its waits return `cancelled`. Does not wait.
  void cancel() noexcept {
    if (child_) detail::cancel(*child_);
  }

  /// Whether there is something to join.
  [[nodiscard]] bool joinable() const noexcept { return child_ != nullptr; }

  /// Unique in this process; 0 if not joinable.
  [[nodiscard]] std::uint64_t id() const noexcept { return child_ ? detail::id_of(*child_) : 0; }

 private:
  friend fiber detail::make_fiber(sched::spawned*) noexcept;
  explicit fiber(sched::spawned* child) noexcept : child_(child) {}
  void finish() noexcept;

  detail::reference child_;
};

inline fiber detail::make_fiber(sched::spawned* child) noexcept { return fiber(child); }

/// Starts `f` as a fiber or thread of the runtime that the caller belongs to. What happens before
/// spawn happens before the start of `f`.
/// Errors: `stack_unavailable` or `thread_unavailable` when memory or a limit does not allow more;
/// `not_permitted` without the privilege for SCHED_FIFO; `not_supported` for a preemptive one where
/// `obstacle_to_preemptive` says why, and in a runtime with a seed; `invalid_argument` for an
/// attribute out of range; `no_runtime` outside `cede::run` and `runtime`. `f` is then destroyed,
/// having not run.
/// Blocks: nothing.
template <spawnable F>
[[nodiscard]] result<fiber> spawn(kind what, const attributes& how, F&& f) {
  std::decay_t<F> callable(std::forward<F>(f));
  auto child = detail::spawn(what, how, detail::erase(callable), nullptr);
  if (!child) return std::unexpected(child.error());
  return detail::make_fiber(*child);
}

template <spawnable F>
[[nodiscard]] result<fiber> spawn(kind what, F&& f) {
  return spawn(what, attributes{}, std::forward<F>(f));
}

template <spawnable F>
[[nodiscard]] result<fiber> spawn(const attributes& how, F&& f) {
  return spawn(kind::cooperative, how, std::forward<F>(f));
}

template <spawnable F>
[[nodiscard]] result<fiber> spawn(F&& f) {
  return spawn(kind::cooperative, attributes{}, std::forward<F>(f));
}

}  // namespace cede
