#include <cede/error.hpp>
#include <string>

namespace cede {
namespace {

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "cede"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::cancelled:
        return "the operation was cancelled";
      case errc::deadline_exceeded:
        return "the deadline passed before the operation was done";
      case errc::closed:
        return "the object is closed";
      case errc::end_of_stream:
        return "the stream ended before all wanted bytes had come";
      case errc::nested_run:
        return "a runtime is already running on this thread";
      case errc::not_supported:
        return "this system or build does not support the operation";
      case errc::stack_unavailable:
        return "no memory or address space for a fiber's stack";
      case errc::thread_unavailable:
        return "the system gives no further thread";
      case errc::no_runtime:
        return "this thread belongs to no runtime: call it inside cede::run or a runtime";
      case errc::not_permitted:
        return "the process lacks the privilege for the operation";
      case errc::invalid_argument:
        return "an argument is out of range";
      case errc::message_too_long:
        return "the message is longer than the limit given";
    }
    return "unknown cede error " + std::to_string(value);
  }

  // Callers who know only the portable conditions may test for those.
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::cancelled:
        return std::errc::operation_canceled;
      case errc::deadline_exceeded:
        return std::errc::timed_out;
      case errc::closed:
        return std::errc::bad_file_descriptor;
      case errc::not_supported:
        return std::errc::not_supported;
      case errc::stack_unavailable:
        return std::errc::not_enough_memory;
      case errc::thread_unavailable:
        return std::errc::resource_unavailable_try_again;
      case errc::not_permitted:
        return std::errc::operation_not_permitted;
      case errc::invalid_argument:
        return std::errc::invalid_argument;
      case errc::message_too_long:
        return std::errc::message_size;
      case errc::end_of_stream:
      case errc::nested_run:
      case errc::no_runtime:
        break;
    }
    return {value, *this};
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  // Never destroyed, so that errors may still be described while statics are torn down.
  static const category& instance = *new category;
  return instance;
}

}  // namespace cede
