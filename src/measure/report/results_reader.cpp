#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "measure/report/results_fields.hpp"
#include "measure/report/results_json.hpp"

namespace cede::measure::report {
namespace {

using json = nlohmann::json;

// Does not leave this file: it carries the line for the user out of the depth of the document.
class unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A value and where it stands: "kinds/0/at/1/idle".
struct place {
  const json& value;
  std::string path;

  [[noreturn]] void refuse(std::string_view wanted) const {
    throw unreadable(fmt::format("{} is {}, where {} belongs", path.empty() ? "the file" : path,
                                 value.type_name(), wanted));
  }
  [[noreturn]] void refuse_value(std::string_view why) const {
    throw unreadable(fmt::format("{} {}", path, why));
  }
  place at(const json& inner, std::string_view step) const {
    return {inner, path.empty() ? std::string(step) : fmt::format("{}/{}", path, step)};
  }
  const json* member(const char* name) const {
    const auto found = value.find(name);
    return found == value.end() || found->is_null() ? nullptr : &*found;
  }
};

template <class T>
void read(const place& from, T& into);

void read(const place& from, double& into) {
  if (!from.value.is_number()) from.refuse("a number");
  into = from.value.get<double>();
}

template <std::unsigned_integral T>
void read(const place& from, T& into) {
  if (!from.value.is_number_unsigned()) from.refuse("a whole number from 0 on");
  const auto number = from.value.get<std::uint64_t>();
  if (number > std::numeric_limits<T>::max()) from.refuse_value("is too large");
  into = static_cast<T>(number);
}

void read(const place& from, bool& into) {
  if (!from.value.is_boolean()) from.refuse("true or false");
  into = from.value.get<bool>();
}

void read(const place& from, std::string& into) {
  if (!from.value.is_string()) from.refuse("a text");
  into = from.value.get<std::string>();
}

void read(const place& from, std::optional<std::string>& into) { read(from, into.emplace()); }

void read(const place& from, nature& into) {
  std::string word;
  read(from, word);
  if (word == "fiber")
    into = nature::fiber;
  else if (word == "thread")
    into = nature::thread;
  else if (word == "task")
    into = nature::task;
  else if (word == "loop")
    into = nature::loop;
  else
    from.refuse_value("is none of fiber, thread, task, loop");
}

template <class T>
void read(const place& from, std::vector<T>& into) {
  if (!from.value.is_array()) from.refuse("a list");
  into.clear();
  for (std::size_t i = 0; i < from.value.size(); ++i)
    read(from.at(from.value[i], std::to_string(i)), into.emplace_back());
}

class reader {
 public:
  explicit reader(const place& from) : from_(from) {
    if (!from_.value.is_object()) from_.refuse("an object");
  }
  template <class T>
  void operator()(const char* name, T& into) {
    if (const json* const found = from_.member(name)) read(from_.at(*found, name), into);
  }

 private:
  const place& from_;
};

void read(const place& from, figure& into) {
  reader visit(from);
  into = {};
  visit("unit", into.unit);
  if (from.member("median") == nullptr) {
    into.missing_because.reset();
    visit("missing_because", into.missing_because);
    if (!into.missing_because) from.refuse_value("has neither 'median' nor 'missing_because'");
    return;
  }
  into.missing_because.reset();
  visit("median", into.median);
  into.low = into.high = into.median;
  visit("low", into.low);
  visit("high", into.high);
  visit("samples", into.samples);
  if (into.low > into.median || into.median > into.high)
    from.refuse_value("has a median that lies outside 'low' and 'high'");
}

template <class T>
void read(const place& from, T& into) {
  reader all(from);
  visit_fields(all, into);
}

void check_schema(const place& whole) {
  if (!whole.value.is_object()) whole.refuse("the object that 'cede compare' writes");
  const json* const schema = whole.member("schema");
  if (schema == nullptr)
    throw unreadable("there is no 'schema': this is not a report.json of 'cede compare'");
  if (!schema->is_number_integer()) whole.at(*schema, "schema").refuse("a whole number");
  if (const auto found = schema->get<std::int64_t>(); found != schema_version)
    throw unreadable(
        fmt::format("its schema is {}, this program reads schema {}: use the cede that wrote it",
                    found, schema_version));
}

// "[json.exception.parse_error.101] parse error at line 1, column 2: ..." from its "parse" on.
std::string in_our_words(std::string_view text) {
  const auto end = text.find("] ");
  return "it is not JSON: " + std::string(end == text.npos ? text : text.substr(end + 2));
}

template <class T>
std::expected<T, std::string> value_of(std::string_view text) {
  try {
    const json document = json::parse(text);
    const place whole{document, {}};
    check_schema(whole);
    T result;
    read(whole, result);
    return result;
  } catch (const unreadable& error) {
    return std::unexpected(error.what());
  } catch (const json::exception& error) {
    return std::unexpected(in_our_words(error.what()));
  }
}

}  // namespace

std::expected<results, std::string> from_json(std::string_view text) {
  return value_of<results>(text);
}

std::expected<bare_results, std::string> bare_from_json(std::string_view text) {
  return value_of<bare_results>(text);
}

}  // namespace cede::measure::report
