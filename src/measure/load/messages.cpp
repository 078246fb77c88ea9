#include "measure/load/messages.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace cede::measure::load {
namespace {

using nlohmann::json;

std::chrono::nanoseconds time_from(const json& in) {
  return std::chrono::nanoseconds(in.get<std::int64_t>());
}

}  // namespace

static void to_json(json& out, const timetable& in) {
  out = {{"begin", in.begin.count()}, {"from", in.from.count()},      {"to", in.to.count()},
         {"hogs", in.hogs},           {"over", in.hogs_over.count()}, {"end", in.end.count()}};
}

static void from_json(const json& in, timetable& out) {
  out = {.begin = time_from(in.at("begin")),
         .from = time_from(in.at("from")),
         .to = time_from(in.at("to")),
         .hogs = in.at("hogs").get<bool>(),
         .hogs_over = time_from(in.at("over")),
         .end = time_from(in.at("end"))};
}

static void to_json(json& out, const histogram& in) {
  const auto contents = in.unpacked();
  out = {{"buckets", contents.buckets}, {"max", contents.max}, {"sum", contents.sum}};
}

static void from_json(const json& in, histogram& out) {
  histogram::contents contents;
  in.at("buckets").get_to(contents.buckets);
  in.at("max").get_to(contents.max);
  in.at("sum").get_to(contents.sum);
  const auto read = histogram::packed(contents);
  if (!read) throw std::out_of_range("a bucket that does not exist");
  out = *read;
}

static void to_json(json& out, const window_tally& in) {
  out = {{"messages", in.messages},
         {"latency", in.latency},
         {"unanswered", in.unanswered},
         {"replies", in.connections_by_replies},
         {"cpu", in.client_cpu.count()}};
}

static void from_json(const json& in, window_tally& out) {
  in.at("messages").get_to(out.messages);
  in.at("latency").get_to(out.latency);
  in.at("unanswered").get_to(out.unanswered);
  in.at("replies").get_to(out.connections_by_replies);
  out.client_cpu = time_from(in.at("cpu"));
}

static void to_json(json& out, const loop_tally& in) {
  out = {{"windows", in.windows},
         {"lateness", in.lateness},
         {"all", in.messages_in_all},
         {"lasted", in.lasted.count()},
         {"ended", in.ended.count()}};
}

static void from_json(const json& in, loop_tally& out) {
  in.at("windows").get_to(out.windows);
  in.at("lateness").get_to(out.lateness);
  in.at("all").get_to(out.messages_in_all);
  out.lasted = time_from(in.at("lasted"));
  out.ended = time_from(in.at("ended"));
}

static void to_json(json& out, const connection_plan& in) {
  const auto hog = in.hog_byte ? std::to_integer<int>(*in.hog_byte) : -1;
  out = {{"host", numeric_host(in.target)},
         {"port", port_of(in.target)},
         {"text", in.target.text},
         {"size", in.size},
         {"limit", in.connect_limit},
         {"timeout", in.timeout.count()},
         {"hog", hog},
         {"hogging", in.behave == connection_plan::temper::hogging}};
}

static void from_json(const json& in, connection_plan& out) {
  const auto target = resolve(in.at("host").get<std::string>(), in.at("port").get<std::uint16_t>());
  if (!target) throw std::invalid_argument(target.error().line);
  out.target = *target;
  in.at("text").get_to(out.target.text);
  in.at("size").get_to(out.size);
  in.at("limit").get_to(out.connect_limit);
  out.timeout = time_from(in.at("timeout"));
  if (const int hog = in.at("hog").get<int>(); hog >= 0) out.hog_byte = static_cast<std::byte>(hog);
  out.behave = in.at("hogging").get<bool>() ? connection_plan::temper::hogging
                                            : connection_plan::temper::calm;
}

// Where the library looks for them: beside their types.
namespace message {

static void to_json(json& out, const setup& in) { out = in.plan; }
static void from_json(const json& in, setup& out) { in.get_to(out.plan); }
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(open, first_number, connections, greet)
static void to_json(json& out, const exchange&) { out = json::object(); }
static void from_json(const json&, exchange&) {}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(measure, when, rate, offset)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(close, reset)
static void to_json(json& out, const stop&) { out = json::object(); }
static void from_json(const json&, stop&) {}
static void to_json(json& out, const hogs_over& in) {
  out = {in.at.count(), in.end.count(), in.during_from.count(), in.during_to.count()};
}
static void from_json(const json& in, hogs_over& out) {
  out = {.at = time_from(in.at(0)),
         .end = time_from(in.at(1)),
         .during_from = time_from(in.at(2)),
         .during_to = time_from(in.at(3))};
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(progress, done)
static void to_json(json& out, const settled& in) {
  out = {in.connections, in.began.count(), in.ended.count()};
}
static void from_json(const json& in, settled& out) {
  out = {.connections = in.at(0).get<std::uint32_t>(),
         .began = time_from(in.at(1)),
         .ended = time_from(in.at(2))};
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(measured, tally)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(failed, line)

namespace {

// A variant is written as its index and the value.
template <class Variant>
std::string encode_variant(const Variant& what) {
  const json value = std::visit([](const auto& one) { return json(one); }, what);
  // Whatever a host's name or a message of the system contains, it must arrive.
  return json::array({what.index(), value}).dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class Variant, std::size_t Index = 0>
Variant decode_variant(std::size_t index, const json& value) {
  if constexpr (Index == std::variant_size_v<Variant>) {
    throw std::out_of_range("no such message");
  } else {
    if (index != Index) return decode_variant<Variant, Index + 1>(index, value);
    return value.get<std::variant_alternative_t<Index, Variant>>();
  }
}

template <class Variant>
outcome<Variant> decode(const std::string& line) {
  try {
    const json message = json::parse(line);
    return decode_variant<Variant>(message.at(0).get<std::size_t>(), message.at(1));
  } catch (const std::exception& error) {
    return fail(fmt::format("a part of the load is not understood: {}", error.what()));
  }
}

}  // namespace

std::string encode(const command& what) { return encode_variant(what); }
std::string encode(const reply& what) { return encode_variant(what); }
outcome<command> decode_command(const std::string& line) { return decode<command>(line); }
outcome<reply> decode_reply(const std::string& line) { return decode<reply>(line); }

}  // namespace message
}  // namespace cede::measure::load
