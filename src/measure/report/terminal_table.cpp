#include "measure/report/terminal_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "measure/report/answer.hpp"
#include "measure/report/lookup.hpp"
#include "measure/report/quantity.hpp"
#include "measure/report/text_layout.hpp"

namespace cede::measure::report {
namespace {

using cells = std::vector<std::string>;

// Builds the text and collects why something is missing, to be said once each at the end.
class table_writer {
 public:
  void line(std::string_view text, std::size_t indent = 0) { text_ += wrapped(text, indent); }
  void gap() { text_ += '\n'; }
  void head(std::string_view title, const cells& first, const cells& second = {}) {
    gap();
    text_ += row(title, first);
    if (!second.empty()) text_ += row("", second);
  }

  // The title, a cell for each figure, and the greatest spread among them.
  void figures(std::string_view title, const std::vector<const figure*>& all) {
    cells shown;
    double spread = 0;
    for (const figure* const one : all) {
      shown.push_back(cell(title, *one));
      spread = std::max(spread, one->spread());
    }
    if (all.size() < most_cells)
      shown.push_back(spread < 9.995 ? fmt::format("+-{:.0f}%", 100 * spread) : "+->1k%");
    text_ += row(title, shown);
  }

  void absent(std::string_view title, const std::string& why) {
    text_ += row(title, {"-"});
    note(title, why);
  }

  std::string take() && {
    if (!notes_.empty()) text_ += '\n';
    for (const std::string& one : notes_) text_ += wrapped(one, 2);
    return std::move(text_);
  }

 private:
  static constexpr std::size_t most_cells = 7;

  std::string cell(std::string_view title, const figure& one) {
    if (one.available()) return short_quantity(one.median, one.unit);
    note(title, *one.missing_because);
    return "-";
  }

  void note(std::string_view title, std::string_view why) {
    std::string text = fmt::format("- {}: {}", fitted(title, 40), fitted(why, 200));
    if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(std::move(text));
  }

  std::string text_;
  std::vector<std::string> notes_;
};

template <class Figures>
void rows_at(table_writer& out, const results& run, std::uint64_t connections, Figures figures) {
  for (const subject* const one : everyone(run))
    if (one->missing_because)
      out.absent(one->title, *one->missing_because);
    else if (const load_point* const at = point_at(*one, connections))
      out.figures(one->title, figures(*at));
}

void write_opening(table_writer& out, const results& run) {
  const machine_facts& here = run.machine;
  out.line(fmt::format("cede {} on {}, {} CPUs, {}, {}", here.cede_version, here.cpu_model,
                       here.cpus, here.kernel, here.libc));
  int number = 0;
  for (const sentence& one : answers(run)) {
    out.gap();
    out.line(fmt::format("{}. {}", ++number, one.text()), 3);
  }
  if (!run.warnings.empty()) out.gap();
  for (const warning& one : run.warnings) out.line(fmt::format("! {}: {}", one.about, one.text), 2);
}

std::string count_title(std::uint64_t connections) {
  return fmt::format("{} connections", grouped(connections));
}

void write_load(table_writer& out, const results& run, std::uint64_t connections) {
  out.head(count_title(connections), {"memory", "msgs", "CPU a", "p50", "p99", "p99.9"},
           {"idle", "/second", "message", "", "", ""});
  rows_at(out, run, connections, [](const load_point& at) {
    return std::vector{&at.idle.total,  &at.messages_per_second, &at.server_cpu,
                       &at.latency_p50, &at.latency_p99,         &at.latency_p999};
  });
}

// Who is compared with whom in the same turns.
void write_ratios(table_writer& out, const results& run, std::uint64_t connections) {
  const auto all = everyone(run);
  const bool any = std::ranges::any_of(all, [connections](const subject* one) {
    const load_point* const at = point_at(*one, connections);
    return at != nullptr && at->cpu_ratio.available();
  });
  if (!any) return;
  out.head(fmt::format("times {}", all.front()->name), {"msgs", "CPU a"}, {"/second", "message"});
  rows_at(out, run, connections,
          [](const load_point& at) { return std::vector{&at.rate_ratio, &at.cpu_ratio}; });
}

void write_memory(table_writer& out, const results& run, std::uint64_t connections) {
  out.head("bytes a connection", {"user", "page", "kernel", "other", "socket", "total", "after"},
           {"memory", "tables", "stack", "kernel", "", "idle", "4 KiB"});
  rows_at(out, run, connections, [](const load_point& at) {
    return std::vector{&at.idle.user,           &at.idle.page_tables, &at.idle.kernel_stack,
                       &at.idle.slab,           &at.idle.socket,      &at.idle.total,
                       &at.after_messages.total};
  });
}

void write_paced(table_writer& out, const results& run, std::uint64_t connections) {
  out.head("at a fixed rate", {"msgs", "p50", "p99", "p99.9"}, {"/second", "", "", ""});
  rows_at(out, run, connections, [](const load_point& at) {
    return std::vector{&at.paced_rate, &at.paced_p50, &at.paced_p99, &at.paced_p999};
  });
}

void write_switches(table_writer& out, const results& run, std::uint64_t connections) {
  out.head("switches a message", {"kernel,", "kernel,", "user", "time to"},
           {"volunt.", "involun", "space", "open"});
  rows_at(out, run, connections, [](const load_point& at) {
    return std::vector{&at.voluntary_switches, &at.involuntary_switches, &at.user_switches,
                       &at.open_time};
  });
}

// A line for each server, with up to three numbers of hogs side by side.
class hog_lines {
 public:
  explicit hog_lines(const results& run) : all_(everyone(run)) {
    for (const subject* const one : all_)
      for (const hog_outcome& it : one->hogs) {
        const bool seen = std::ranges::find(counts_, it.hogs) != counts_.end();
        if (!seen && counts_.size() < most_counts) counts_.push_back(it.hogs);
      }
  }

  void write(table_writer& out) const {
    if (counts_.empty()) return;
    table(out, "handlers that hog",
          {{"kept", &hog_outcome::kept}, {"p99", &hog_outcome::p99_during}},
          &hog_outcome::p99_before);
    table(out, "", {{"starved", &hog_outcome::starved}, {"their %", &hog_outcome::hog_share}});
  }

 private:
  struct column {
    const char* name;
    const figure hog_outcome::* member;
  };

  void table(table_writer& out, std::string_view title, const std::vector<column>& columns,
             const figure hog_outcome::* before = nullptr) const {
    cells names;
    cells counts;
    for (const column& one : columns)
      for (const unsigned hogs : counts_) {
        names.emplace_back(one.name);
        counts.push_back(hogs == 1 ? "1 hog" : fmt::format("{} hogs", hogs));
      }
    if (before != nullptr) {
      names.emplace_back("p99");
      counts.emplace_back("before");
    }
    out.head(title, names, counts);
    for (const subject* const one : all_)
      if (!one->hogs.empty()) out.figures(one->title, figures_of(*one, columns, before));
  }

  std::vector<const figure*> figures_of(const subject& one, const std::vector<column>& columns,
                                        const figure hog_outcome::* before) const {
    static const figure none;
    std::vector<const figure*> found;
    for (const column& it : columns)
      for (const unsigned hogs : counts_) {
        const auto at = std::ranges::find(one.hogs, hogs, &hog_outcome::hogs);
        found.push_back(at != one.hogs.end() ? &((*at).*it.member) : &none);
      }
    if (before != nullptr) found.push_back(&(one.hogs.front().*before));
    return found;
  }

  static constexpr std::size_t most_counts = 3;
  const std::vector<const subject*> all_;
  std::vector<unsigned> counts_;
};

void write_churn(table_writer& out, const results& run) {
  out.head("opened and closed", {"/second"});
  for (const subject* const one : everyone(run))
    if (!one->missing_because) out.figures(one->title, {&one->churn});
}

void write_slices(table_writer& out, const subject& one) {
  if (one.slices.empty()) return;
  out.head(one.title, {"units", "p50", "p99", "preempt"}, {"/second", "", "", "/second"});
  for (const slice_point& at : one.slices)
    out.figures(
        fmt::format("slice of {}", quantity(at.slice, "us")),
        {&at.work_per_second, &at.latency_p50, &at.latency_p99, &at.preemptions_per_second});
}

void write_bare(table_writer& out, const std::vector<bare_costs>& all) {
  if (all.empty()) return;
  out.head("bare costs", {"switch", "yield", "spawn", "spawn", "wake", "wake on"},
           {"", "", "+ join", "batch", "", "other"});
  for (const bare_costs& one : all)
    if (one.missing_because)
      out.absent(one.title, *one.missing_because);
    else
      out.figures(one.title, {&one.switch_one_way, &one.yield, &one.spawn_join,
                              &one.spawn_join_batch, &one.wake_same_cpu, &one.wake_other_cpu});
}

// Up to six of the points, evenly spread, the last among them.
std::vector<std::size_t> shown_points(std::size_t count) {
  constexpr std::size_t most = 6;
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < std::min(most, count); ++i)
    chosen.push_back(count <= most ? i : i * (count - 1) / (most - 1));
  return chosen;
}

void write_refill(table_writer& out, const std::vector<refill_curve>& all) {
  const auto longest =
      std::ranges::max_element(all, {}, [](const refill_curve& one) { return one.points.size(); });
  if (longest == all.end() || longest->points.empty()) return;
  const auto chosen = shown_points(longest->points.size());
  cells sizes;
  for (const std::size_t i : chosen)
    sizes.push_back(short_quantity(static_cast<double>(longest->points[i].working_set), "B"));
  out.head("a switch that touches", sizes);
  for (const refill_curve& one : all) {
    if (one.missing_because) {
      out.absent(one.title, *one.missing_because);
      continue;
    }
    std::vector<const figure*> found;
    for (const std::size_t i : chosen)
      if (i < one.points.size()) found.push_back(&one.points[i].per_switch);
    out.figures(one.title, found);
  }
}

}  // namespace

std::string terminal_table(const results& run) {
  table_writer out;
  write_opening(out, run);
  for (const std::uint64_t connections : connection_counts(run)) {
    write_load(out, run, connections);
    write_ratios(out, run, connections);
    write_paced(out, run, connections);
    write_memory(out, run, connections);
    write_switches(out, run, connections);
  }
  if (!run.kinds.empty()) {
    write_churn(out, run);
    hog_lines(run).write(out);
  }
  for (const subject* const one : everyone(run)) write_slices(out, *one);
  write_bare(out, run.bare);
  write_refill(out, run.refill);
  return std::move(out).take();
}

std::string terminal_table(const bare_results& part) {
  table_writer out;
  write_bare(out, part.bare);
  write_refill(out, part.refill);
  return std::move(out).take();
}

}  // namespace cede::measure::report
