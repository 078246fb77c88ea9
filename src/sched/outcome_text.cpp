#include "sched/outcome_text.hpp"

#include <exception>

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
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace cede::sched
