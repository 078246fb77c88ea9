// Writes one JSON object, member by member. Values here are numbers, fixed words and addresses, so
// strings only need their quotes and backslashes escaped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench::load {

class json_object {
 public:
  json_object& add(std::string_view name, std::string_view text);
  json_object& add(std::string_view name, double number);
  json_object& add(std::string_view name, std::uint64_t number);
  json_object& add(std::string_view name, const json_object& object);

  std::string text() const { return "{" + members_ + "}"; }

 private:
  json_object& add_raw(std::string_view name, std::string_view value);

  std::string members_;
};

}  // namespace bench::load
