#include "sched/outcome_text.hpp"

#include <cede/error.hpp>
#include <exception>
#include <expected>

#include "sched/parking.hpp"

namespace cede::sched {

std::string name_of(const runnable& who) {
  char text[96];
  describe(who, text, sizeof text);
  return text;
}

std::string text_of(const detail::outcome& ended) {
  if (ended.error) return ended.error.message();
  try {
    std::rethrow_exception(ended.exception);
  } catch (const std::bad_expected_access<std::error_code>& e) {
    return e.error().message();  // its own what() tells no reason
  } catch (const std::bad_expected_access<transfer_error>& e) {
    return e.error().message();
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace cede::sched
