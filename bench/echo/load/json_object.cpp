#include "json_object.hpp"

#include <fmt/format.h>

#include <cmath>

namespace bench::load {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') result += '\\';
    result += character;
  }
  return result + '"';
}

}  // namespace

json_object& json_object::add_raw(std::string_view name, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_ += quoted(name);
  members_ += ": ";
  members_ += value;
  return *this;
}

json_object& json_object::add(std::string_view name, std::string_view text) {
  return add_raw(name, quoted(text));
}

// JSON has no word for what is not a finite number.
json_object& json_object::add(std::string_view name, double number) {
  return add_raw(name, std::isfinite(number) ? fmt::format("{:.6g}", number) : "null");
}

json_object& json_object::add(std::string_view name, std::uint64_t number) {
  return add_raw(name, fmt::format("{}", number));
}

json_object& json_object::add(std::string_view name, const json_object& object) {
  return add_raw(name, object.text());
}

}  // namespace bench::load
