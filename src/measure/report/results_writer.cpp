#include <nlohmann/json.hpp>

#include "measure/report/results_fields.hpp"
#include "measure/report/results_json.hpp"

namespace cede::measure::report {
namespace {

using json = nlohmann::ordered_json;

template <class T>
json written(const T& value);

json written(const figure& value) {
  json object = json::object();
  if (!value.unit.empty()) object["unit"] = value.unit;
  if (value.missing_because) {
    object["missing_because"] = *value.missing_because;
    return object;
  }
  object["median"] = value.median;
  object["low"] = value.low;
  object["high"] = value.high;
  object["samples"] = value.samples;
  return object;
}

json written(nature value) {
  switch (value) {
    case nature::fiber:
      return "fiber";
    case nature::thread:
      return "thread";
    case nature::task:
      return "task";
    case nature::loop:
      break;
  }
  return "loop";
}

template <class T>
json written(const std::vector<T>& values) {
  json array = json::array();
  for (const T& value : values) array.push_back(written(value));
  return array;
}

class writer {
 public:
  template <class T>
  void operator()(const char* name, const T& value) {
    object_[name] = written(value);
  }
  // Nothing is missing: no member, rather than a null on each line.
  void operator()(const char* name, const std::optional<std::string>& value) {
    if (value) object_[name] = *value;
  }
  json take() && { return std::move(object_); }

 private:
  json object_ = json::object();
};

template <class T>
json written(const T& value) {
  if constexpr (requires(writer& visit) { visit_fields(visit, value); }) {
    writer all;
    visit_fields(all, value);
    return std::move(all).take();
  } else {
    return value;
  }
}

template <class T>
std::string text_of(const T& value) {
  json whole = json::object();
  whole["schema"] = schema_version;
  whole.update(written(value));
  // A byte that is no UTF-8, in a name that the machine gave us, must not cost the report.
  return whole.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_json(const results& run) { return text_of(run); }

std::string to_json(const bare_results& part) { return text_of(part); }

}  // namespace cede::measure::report
