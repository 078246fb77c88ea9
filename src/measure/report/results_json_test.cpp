#include "measure/report/results_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "measure/report/test_results.hpp"

namespace cede::measure::report {
namespace {

using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
  const auto read = from_json(text);
  return read ? "it was read" : read.error();
}

// The sample as JSON, with one member changed.
std::string changed(const char* pointer, nlohmann::json value) {
  auto document = nlohmann::json::parse(to_json(test::sample()));
  document[nlohmann::json::json_pointer(pointer)] = std::move(value);
  return document.dump();
}

TEST(results_json, what_was_written_is_read_back_equal) {
  for (const results& run : {results(), test::sample(), test::extreme()}) {
    const auto read = from_json(to_json(run));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, run);
  }
}

TEST(results_json, a_part_is_read_back_equal) {
  const results run = test::sample();
  const bare_results part{run.bare, run.refill, run.warnings};
  const auto read = bare_from_json(to_json(part));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, part);
}

TEST(results_json, a_missing_figure_has_its_reason_and_no_number) {
  results run;
  run.kinds.push_back({.name = "go", .churn = missing("not installed", "connections/s")});
  const auto churn = nlohmann::json::parse(to_json(run))["kinds"][0]["churn"];
  EXPECT_EQ(churn["missing_because"], "not installed");
  EXPECT_FALSE(churn.contains("median"));
}

TEST(results_json, bytes_that_are_no_utf_8_do_not_cost_the_report) {
  results run;
  run.machine.cpu_model = "CPU \xff\xfe";
  EXPECT_TRUE(from_json(to_json(run)));
}

TEST(results_json, what_is_not_json_is_refused_with_the_place) {
  EXPECT_THAT(error_of(""), HasSubstr("it is not JSON"));
  EXPECT_THAT(error_of("{\"schema\": 1,\n oops"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("{\"schema\": 1, \"seconds_taken\": 1e999}"), HasSubstr("it is not JSON"));
  EXPECT_THAT(error_of("[]"), HasSubstr("the file is array"));
}

TEST(results_json, another_file_or_schema_is_refused) {
  EXPECT_THAT(error_of("{}"), HasSubstr("not a report.json"));
  EXPECT_THAT(error_of(changed("/schema", 2)), HasSubstr("its schema is 2"));
  EXPECT_THAT(error_of(changed("/schema", "one")), HasSubstr("schema is string"));
}

TEST(results_json, a_wrong_value_is_refused_by_its_place) {
  EXPECT_THAT(error_of(changed("/kinds", 3)), HasSubstr("kinds is number"));
  EXPECT_THAT(error_of(changed("/kinds/0/at/1/connections", -1)),
              HasSubstr("kinds/0/at/1/connections is number"));
  EXPECT_THAT(error_of(changed("/machine/cpus", 5'000'000'000)), HasSubstr("is too large"));
  EXPECT_THAT(error_of(changed("/bare/0/is", "goat")), HasSubstr("bare/0/is is none of fiber"));
  EXPECT_THAT(error_of(changed("/kinds/0/churn", nlohmann::json::object())),
              HasSubstr("kinds/0/churn has neither"));
  EXPECT_THAT(error_of(changed("/kinds/0/churn/low", 1e12)), HasSubstr("lies outside"));
}

TEST(results_json, what_is_absent_is_not_measured_and_what_is_unknown_is_passed_over) {
  const auto read = from_json(R"({"schema": 1, "kinds": [{"name": "x", "later": [1]}]})");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->kinds.at(0).name, "x");
  EXPECT_EQ(read->kinds.at(0).churn.missing_because, "not measured");
}

}  // namespace
}  // namespace cede::measure::report
