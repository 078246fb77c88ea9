#include "measure/report/page_data.hpp"

#include <cctype>
#include <nlohmann/json.hpp>

#include "measure/report/quantity.hpp"

namespace cede::measure::report {
namespace {

using json = nlohmann::ordered_json;

const char* word(form it) {
  switch (it) {
    case form::bars:
      return "bars";
    case form::stacked:
      return "stacked";
    case form::lines:
      break;
  }
  return "lines";
}

const char* word(nature it) {
  switch (it) {
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

// A missing figure is its reason.
json data_of(const figure& it) {
  if (!it.available()) return *it.missing_because;
  return {{"median", it.median},
          {"low", it.low},
          {"high", it.high},
          {"text", page_quantity(it.median, it.unit)}};
}

json data_of(const plot& it) {
  json made{{"id", it.id},
            {"form", word(it.drawn_as)},
            {"unit", it.unit},
            {"logarithmic", it.logarithmic()},
            {"placeUnit", it.place_unit}};
  for (const category& one : it.categories)
    made["categories"].push_back(
        {{"name", one.name}, {"nature", word(one.is)}, {"place", one.place}});
  for (const series& one : it.all) {
    json line{{"name", one.name}, {"nature", word(one.is)}};
    for (const figure& value : one.values) line["values"].push_back(data_of(value));
    made["series"].push_back(std::move(line));
  }
  for (const figure& one : it.totals) made["totals"].push_back(data_of(one));
  return made;
}

}  // namespace

std::string with_micro(std::string text) {
  constexpr std::string_view ascii = " us";
  for (auto at = text.find(ascii); at != text.npos; at = text.find(ascii, at + 1)) {
    const std::size_t after = at + ascii.size();
    const bool unit = at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9';
    if (unit &&
        (after == text.size() || std::isalpha(static_cast<unsigned char>(text[after])) == 0))
      text.replace(at + 1, 1, "\xc2\xb5");
  }
  return text;
}

std::string page_quantity(double value, std::string_view unit) {
  return with_micro(quantity(value, unit));
}

std::string page_data(const std::vector<section>& all) {
  json plots = json::array();
  for (const section& one : all)
    for (const plot& it : one.plots) plots.push_back(data_of(it));
  const std::string raw = plots.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string safe;
  safe.reserve(raw.size());
  for (const char c : raw)
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  return safe;
}

}  // namespace cede::measure::report
