#include "measure/report/page.hpp"

#include <fmt/format.h>

#include <iterator>

#include "measure/report/answer.hpp"
#include "measure/report/embedded.hpp"
#include "measure/report/page_data.hpp"
#include "measure/report/quantity.hpp"

namespace cede::measure::report {
namespace {

class html {
 public:
  // Markup of our own: nothing from outside may be part of it but through `escaped`.
  template <class... Args>
  html& add(fmt::format_string<Args...> markup, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), markup, std::forward<Args>(args)...);
    return *this;
  }
  html& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

// --- head and answer -----------------------------------------------------------------------------

void add_head(html& out, const results& run) {
  // The policy lets the browser enforce that no request leaves the page.
  out.raw(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
)");
  out.add("<title>What a connection costs: {}</title>\n", escaped(run.machine.cpu_model));
  out.raw("<style>\n").raw(page_style()).raw("</style>\n</head>\n");
}

std::string machine_line(const results& run) {
  const machine_facts& here = run.machine;
  return fmt::format("{}, {} CPUs, {}, {}, cede {}", here.cpu_model, here.cpus, here.kernel,
                     here.libc, here.cede_version);
}

void add_header(html& out, const results& run) {
  out.raw(R"(<header class="top"><div class="bar"><p class="brand">cede compare</p>
<button id="theme" type="button" hidden>Theme</button></div>
<h1>What a connection costs as a thread and as a fiber</h1>
)");
  out.add("<p class=\"where\">Measured on {}", escaped(machine_line(run)));
  if (!run.machine.date.empty()) out.add(", {}", escaped(run.machine.date));
  out.raw(".</p></header>\n");
}

void add_answer(html& out, const results& run) {
  out.raw(
      "<section class=\"answer\" aria-labelledby=\"answer\">"
      "<h2 id=\"answer\">The answer in three sentences</h2>\n<ol>\n");
  for (const sentence& one : answers(run)) {
    out.add("<li><h3>{}</h3><p>", escaped(one.question));
    for (const phrase& part : one.phrases)
      if (part.strong)
        out.add("<strong>{}</strong>", escaped(with_micro(part.text)));
      else
        out.raw(escaped(with_micro(part.text)));
    out.raw("</p></li>\n");
  }
  out.raw("</ol></section>\n");
}

void add_warnings(html& out, const results& run) {
  if (run.warnings.empty()) return;
  out.raw(
      "<section class=\"warnings\" aria-labelledby=\"warnings\">"
      "<h2 id=\"warnings\">Before you believe a figure</h2>\n<ul>\n");
  for (const warning& one : run.warnings)
    out.add("<li><strong>{}:</strong> {}</li>\n", escaped(one.about), escaped(one.text));
  out.raw("</ul></section>\n");
}

// Kinds and peers of which there is nothing; of single figures the tables tell.
void add_missing(html& out, const results& run) {
  std::vector<std::pair<std::string, std::string>> gaps;
  const auto look_at = [&](const auto& all) {
    for (const auto& one : all)
      if (one.missing_because) gaps.emplace_back(one.title, *one.missing_because);
  };
  look_at(run.kinds);
  look_at(run.peers);
  look_at(run.bare);
  if (gaps.empty()) return;
  out.raw(
      "<section class=\"gaps\" aria-labelledby=\"gaps\"><h2 id=\"gaps\">Not measured</h2>\n<ul>\n");
  for (const auto& [title, why] : gaps)
    out.add("<li><strong>{}:</strong> {}</li>\n", escaped(title), escaped(why));
  out.raw("</ul></section>\n");
}

// --- plots and their tables ----------------------------------------------------------------------

void add_cell(html& out, const figure& it) {
  if (!it.available()) {
    out.add("<td class=\"missing\">missing: {}</td>", escaped(*it.missing_because));
    return;
  }
  out.add("<td>{}", escaped(page_quantity(it.median, it.unit)));
  if (it.low != it.high)
    out.add(" <span class=\"range\">{} to {}</span>", escaped(page_quantity(it.low, it.unit)),
            escaped(page_quantity(it.high, it.unit)));
  out.raw("</td>");
}

void add_table(html& out, const plot& it) {
  out.add(
      "<details><summary>Table: {}</summary><div class=\"scroll\" tabindex=\"0\" "
      "role=\"region\" aria-label=\"Table: {}\"><table><thead><tr><th scope=\"col\">{}</th>",
      escaped(it.title), escaped(it.title), escaped(it.category_title));
  for (const series& one : it.all) out.add("<th scope=\"col\">{}</th>", escaped(one.name));
  out.raw("</tr></thead><tbody>\n");
  for (std::size_t i = 0; i < it.categories.size(); ++i) {
    const category& row = it.categories[i];
    out.add("<tr><th scope=\"row\">{}</th>", escaped(row.name));
    if (row.missing_because)
      out.add("<td class=\"missing\" colspan=\"{}\">missing: {}</td>", it.all.size(),
              escaped(*row.missing_because));
    else
      for (const series& one : it.all) add_cell(out, one.values.at(i));
    out.raw("</tr>\n");
  }
  out.raw(
      "</tbody></table><p class=\"small\">Median, and the range from the least to the greatest "
      "sample where there are several.</p></div></details>\n");
}

void add_plot(html& out, const plot& it) {
  out.add("<figure class=\"plot {}\" id=\"{}\"><figcaption><h3>{}</h3>",
          it.drawn_as == form::lines && it.all.size() > 1 ? "wide" : "", escaped(it.id),
          escaped(it.title));
  if (!it.lead.empty()) out.add("<p class=\"lead\">{}</p>", escaped(with_micro(it.lead)));
  out.raw("</figcaption>\n");
  out.add(
      "<div class=\"canvas\"><canvas role=\"img\" data-plot=\"{}\" aria-label=\"Chart: {}. {} "
      "The table below has the same figures.\"></canvas></div>\n",
      escaped(it.id), escaped(it.title), escaped(with_micro(it.lead)));
  out.raw(
      "<noscript><p class=\"small\">The chart needs JavaScript; the table does not.</p>"
      "</noscript>");
  if (!it.note.empty()) out.add("<p class=\"small\">{}</p>\n", escaped(it.note));
  add_table(out, it);
  out.raw("</figure>\n");
}

void add_section(html& out, const section& it) {
  out.add("<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2>\n", escaped(it.id),
          escaped(it.title));
  if (!it.intro.empty()) out.add("<p class=\"intro\">{}</p>\n", escaped(it.intro));
  out.raw("<div class=\"plots\">\n");
  for (const plot& one : it.plots) add_plot(out, one);
  out.raw("</div></section>\n");
}

// --- what the figures depend on ------------------------------------------------------------------

void add_fact(html& out, std::string_view name, std::string_view value) {
  if (!value.empty())
    out.add("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes == 0 ? "" : quantity(static_cast<double>(bytes), "B");
}

template <class T>
std::string list_text(const std::vector<T>& all) {
  std::string text;
  for (const T one : all) text += (text.empty() ? "" : ", ") + grouped(one);
  return text;
}

void add_machine(html& out, const results& run) {
  const machine_facts& here = run.machine;
  out.raw("<table class=\"facts\"><caption>The machine</caption><tbody>\n");
  add_fact(out, "processor", here.cpu_model);
  add_fact(out, "CPUs", fmt::format("{} of {}", here.cpus, here.cpus_online));
  add_fact(out, "L1 data cache", bytes_text(here.l1d_bytes));
  add_fact(out, "L2 cache", bytes_text(here.l2_bytes));
  add_fact(out, "L3 cache", bytes_text(here.l3_bytes));
  add_fact(out, "memory", bytes_text(here.memory_bytes));
  add_fact(out, "page", bytes_text(here.page_bytes));
  add_fact(out, "kernel", here.kernel);
  add_fact(out, "C library", here.libc);
  add_fact(out, "compiler", here.compiler);
  add_fact(out, "cede", here.cede_version);
  for (const named_text& one : here.limits) add_fact(out, one.name, one.value);
  out.raw("</tbody></table>\n");
}

void add_plan(html& out, const results& run) {
  const run_plan& plan = run.plan;
  out.raw("<table class=\"facts\"><caption>The run</caption><tbody>\n");
  add_fact(out, "command", plan.command);
  add_fact(out, "date", run.machine.date);
  add_fact(out, "took", quantity(run.seconds_taken, "s"));
  add_fact(out, "connections", list_text(plan.connections));
  add_fact(out, "under load for", quantity(plan.seconds, "s") + " each");
  add_fact(out, "repeats", fmt::format("{}, interleaved", plan.repeats));
  add_fact(out, "message", quantity(plan.message_bytes, "B"));
  add_fact(out, "server's workers", grouped(plan.workers));
  add_fact(out, "server on CPU", list_text(plan.server_cpus));
  add_fact(out, "clients on CPU", list_text(plan.client_cpus));
  for (const subject& one : run.peers) add_fact(out, one.title, one.version);
  out.raw("</tbody></table>\n");
}

void add_facts(html& out, const results& run) {
  out.raw(
      "<section aria-labelledby=\"facts\"><h2 id=\"facts\">What the figures depend on</h2>"
      "<div class=\"pair\">\n");
  add_machine(out, run);
  add_plan(out, run);
  out.raw("</div></section>\n");
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  return safe;
}

std::string page(const results& run) {
  html out;
  add_head(out, run);
  out.raw("<body>\n");
  add_header(out, run);
  out.raw("<main>\n");
  add_answer(out, run);
  add_warnings(out, run);
  add_missing(out, run);
  const auto all = sections(run);
  for (const section& one : all) add_section(out, one);
  add_facts(out, run);
  out.raw(
      "</main>\n<footer><p>Bars and points are medians, whiskers reach from the least to the "
      "greatest sample. The same numbers are in report.json, beside this page.</p></footer>\n");
  out.raw("<script type=\"application/json\" id=\"data\">").raw(page_data(all)).raw("</script>\n");
  out.raw("<script>").raw(chart_js()).raw("</script>\n");
  out.raw("<script>\n").raw(page_script()).raw("</script>\n</body>\n</html>\n");
  return std::move(out).take();
}

}  // namespace cede::measure::report
