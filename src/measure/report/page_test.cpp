#include "measure/report/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "measure/report/embedded.hpp"
#include "measure/report/page_data.hpp"
#include "measure/report/plots.hpp"
#include "measure/report/test_results.hpp"

namespace cede::measure::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

std::vector<plot> plots_of(const results& run) {
  std::vector<plot> all;
  for (section& one : sections(run))
    for (plot& it : one.plots) all.push_back(std::move(it));
  return all;
}

TEST(page, what_html_takes_for_markup_is_escaped) {
  EXPECT_EQ(escaped("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  const std::string html = page(test::sample());
  EXPECT_THAT(html, Not(HasSubstr("<b>\"7\"")));
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;&quot;7&quot; &amp; more"));
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
}

TEST(page, nothing_in_the_data_can_end_its_script_element) {
  results run = test::sample();
  run.kinds[0].title = "</script><script>alert(1)</script>";
  const std::string data = page_data(sections(run));
  EXPECT_THAT(data, Not(HasSubstr("<")));
  EXPECT_THAT(nlohmann::json::parse(data).dump(), HasSubstr("</script>"));
  for (const std::string_view part : {chart_js(), page_script()})
    EXPECT_EQ(count(part, "</script"), 0U);
}

TEST(page, all_that_it_needs_is_in_it) {
  const std::string html = page(test::sample());
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_EQ(count(html, "src=\""), 0U);
  EXPECT_EQ(count(html, "sourceMappingURL"), 0U);
  EXPECT_GT(chart_js().size(), 100'000U);
  EXPECT_THAT(std::string(chart_js().substr(0, 200)), HasSubstr("Chart.js"));
}

TEST(page, every_plot_has_a_canvas_a_table_and_an_id_of_its_own) {
  const results run = test::sample();
  const std::string html = page(run);
  std::set<std::string> ids;
  for (const plot& one : plots_of(run)) {
    EXPECT_TRUE(ids.insert(one.id).second) << one.id;
    EXPECT_EQ(count(html, "data-plot=\"" + one.id + "\""), 1U) << one.id;
  }
  EXPECT_GT(ids.size(), 15U);
  EXPECT_EQ(count(html, "<canvas"), ids.size());
  EXPECT_EQ(count(html, "<details><summary>"), ids.size());
}

TEST(page, it_opens_with_three_sentences_then_what_speaks_against_them) {
  const std::string html = page(test::sample());
  const auto answer = html.find("The answer in three sentences");
  const auto warnings = html.find("Before you believe a figure");
  const auto first_plot = html.find("<canvas");
  EXPECT_LT(answer, warnings);
  EXPECT_LT(warnings, first_plot);
  EXPECT_THAT(html, HasSubstr("<strong>31.1 KiB</strong>"));
}

TEST(page, what_is_missing_is_shown_with_its_reason) {
  const std::string html = page(test::sample());
  EXPECT_THAT(html, HasSubstr("missing: the slab cannot be read by this user"));
  EXPECT_THAT(html, HasSubstr("<strong>Go:</strong> not installed: apt-get install golang-go"));
}

TEST(page, nothing_and_everything_make_a_page) {
  EXPECT_THAT(page(results()), HasSubstr("was not measured"));
  EXPECT_THAT(page(test::extreme()), HasSubstr("</html>"));
}

TEST(plots, every_series_has_a_value_for_each_category) {
  for (const results& run : {test::sample(), test::extreme()})
    for (const plot& one : plots_of(run)) {
      EXPECT_FALSE(one.all.empty()) << one.id;
      for (const series& line : one.all)
        EXPECT_EQ(line.values.size(), one.categories.size()) << one.id << line.name;
    }
}

TEST(plots, a_stack_comes_to_what_was_measured_as_its_total) {
  results run = test::sample();
  run.kinds.front().at.front().idle.total = exact(12'345, "B");
  const plot idle = sections(run).front().plots.front();
  ASSERT_EQ(idle.totals.size(), idle.categories.size());
  EXPECT_EQ(idle.totals.front().median, 12'345);
  EXPECT_THAT(page_data(sections(run)), HasSubstr("\"totals\":[{\"median\":12345"));
}

TEST(plots, ratios_are_drawn_where_they_were_measured) {
  results run = test::sample();
  EXPECT_THAT(page(run), HasSubstr("CPU time a message, against cooperative fibers"));
  for (auto* const list : {&run.kinds, &run.peers})
    for (subject& one : *list)
      for (load_point& at : one.at) at.cpu_ratio = missing("alone");
  EXPECT_THAT(page(run), Not(HasSubstr("CPU time a message, against")));
}

TEST(plots, magnitudes_far_apart_get_a_logarithmic_axis) {
  plot one;
  one.all = {{.name = "", .values = {exact(2, "ns"), exact(2000, "ns")}}};
  EXPECT_TRUE(one.logarithmic());
  one.all[0].values[1] = exact(50, "ns");
  EXPECT_FALSE(one.logarithmic());
  one.all[0].values = {exact(0, "ns"), exact(2000, "ns")};
  EXPECT_FALSE(one.logarithmic());
}

TEST(plots, units_of_time_get_the_sign_for_micro) {
  EXPECT_EQ(page_quantity(1905, "ns"), "1.91 \xc2\xb5s");
  EXPECT_EQ(with_micro("costs 1.91 us, tell us 2 users"), "costs 1.91 \xc2\xb5s, tell us 2 users");
}

}  // namespace
}  // namespace cede::measure::report
