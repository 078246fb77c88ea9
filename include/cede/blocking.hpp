/// \file
/// Code that blocks its thread: files, DNS, a library with locks and system calls of its own.
///
///     auto config = cede::blocking([] { return parse_file("/etc/app.conf"); });
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>

namespace cede {
namespace detail {

// Runs `call(argument)` on a thread of the blocking pool while the calling fiber waits; on an OS
// thread runs it right here.
void run_blocking(void (*call)(void*) noexcept, void* argument);

template <class F, class R>
struct blocking_call {
  F& function;
  std::optional<R> value = {};
  std::exception_ptr exception = {};
  static void invoke(void* self) noexcept {
    auto& call = *static_cast<blocking_call*>(self);
    try {
      call.value.emplace(call.function());
    } catch (...) {
      call.exception = std::current_exception();
    }
  }
};

template <class F>
struct blocking_call<F, void> {
  F& function;
  std::exception_ptr exception = {};
  static void invoke(void* self) noexcept {
    auto& call = *static_cast<blocking_call*>(self);
    try {
      call.function();
    } catch (...) {
      call.exception = std::current_exception();
    }
  }
};

}  // namespace detail

/// Runs `f` where blocking harms nobody, and returns what it returns or throws. A cancel does not
/// interrupt it: code that blocks in somebody else's library cannot be stopped safely.
/// The pool has at most 64 threads, which end after 10 s without work; further calls queue.
/// Errors: throws std::system_error (`thread_unavailable`) if the pool has no thread and the
/// system gives none.
/// Blocks: fiber (its worker goes on) or thread.
template <std::invocable F>
auto blocking(F&& f) -> std::invoke_result_t<F&> {
  using R = std::invoke_result_t<F&>;
  static_assert(!std::is_reference_v<R>, "return a value or a pointer from blocking()");
  using call_type = detail::blocking_call<std::remove_reference_t<F>, R>;
  call_type call{.function = f};
  detail::run_blocking(&call_type::invoke, &call);
  if (call.exception) std::rethrow_exception(call.exception);
  if constexpr (!std::is_void_v<R>) return std::move(*call.value);
}

}  // namespace cede
