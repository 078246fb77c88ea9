/// \file
/// Error values of cede.
///
/// Operating failures are values: a function that can fail returns `cede::result<T>`, which is
/// `std::expected<T, std::error_code>`. Errors of the system keep their errno and
/// `std::system_category()`; those that cede itself decides carry `cede::errc`.
///
///     auto n = stream.read_some(buffer, 50ms);
///     if (!n && n.error() == cede::errc::deadline_exceeded) retry_later();
#pragma once

#include <cstddef>
#include <expected>
#include <system_error>
#include <type_traits>

namespace cede {

/// What cede itself can answer; everything else is an errno in `std::system_category()`.
enum class errc {
  cancelled = 1,       ///< the fiber, its scope or its thread's call was asked to stop
  deadline_exceeded,   ///< the deadline passed before the operation was done
  closed,              ///< the object was closed, by this or another fiber
  end_of_stream,       ///< the peer ended the stream before all wanted bytes had come
  nested_run,          ///< `run` was called inside a running runtime
  not_supported,       ///< this system or build cannot do it
  stack_unavailable,   ///< no memory or address space for a fiber's stack
  thread_unavailable,  ///< the system would not give another thread
  no_runtime,          ///< called on a thread that belongs to no runtime
  not_permitted,       ///< a privilege is missing, such as CAP_SYS_NICE for SCHED_FIFO
  invalid_argument,    ///< a value given from outside is out of range
  message_too_long,    ///< more bytes than the caller's limit came before the end was seen
};

/// The category named "cede".
[[nodiscard]] const std::error_category& error_category() noexcept;

[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// A value, or why there is none.
template <class T = void>
using result = std::expected<T, std::error_code>;

/// Shorthand for `return cede::failure(errc::closed);`.
[[nodiscard]] inline std::unexpected<std::error_code> failure(errc code) noexcept {
  return std::unexpected(make_error_code(code));
}

/// Shorthand for an errno: `return cede::failure_from(errno);`.
[[nodiscard]] inline std::unexpected<std::error_code> failure_from(int error_number) noexcept {
  return std::unexpected(std::error_code(error_number, std::system_category()));
}

/// Why a transfer stopped half-way, and how far it had come.
struct transfer_error : std::error_code {
  transfer_error(std::error_code why, std::size_t bytes) noexcept
      : std::error_code(why), transferred(bytes) {}

  std::size_t transferred;  ///< bytes moved before the error
};

}  // namespace cede

template <>
struct std::is_error_code_enum<cede::errc> : std::true_type {};
