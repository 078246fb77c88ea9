#include "json_object.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bench::load {
namespace {

TEST(json_object, an_empty_one_is_two_braces) { EXPECT_EQ(json_object().text(), "{}"); }

TEST(json_object, keeps_members_in_order_and_nests) {
  json_object inner;
  inner.add("p50", 1.5);
  json_object outer;
  outer.add("mode", "echo").add("messages", std::uint64_t{12}).add("latency", inner);
  EXPECT_EQ(outer.text(), R"({"mode": "echo", "messages": 12, "latency": {"p50": 1.5}})");
}

TEST(json_object, escapes_quotes_and_backslashes) {
  EXPECT_EQ(json_object().add("a\"", "b\\").text(), R"({"a\"": "b\\"})");
}

TEST(json_object, what_is_not_finite_is_null) {
  EXPECT_EQ(json_object().add("x", std::numeric_limits<double>::infinity()).text(),
            R"({"x": null})");
}

}  // namespace
}  // namespace bench::load
