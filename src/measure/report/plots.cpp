#include "measure/report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "measure/report/answer.hpp"
#include "measure/report/hog_plots.hpp"
#include "measure/report/lookup.hpp"
#include "measure/report/quantity.hpp"

namespace cede::measure::report {
namespace {

using read_point = std::function<const figure&(const load_point&)>;

std::string at_count(std::uint64_t connections) {
  return fmt::format("{} connections", grouped(connections));
}

std::vector<category> categories_of(const std::vector<const subject*>& all) {
  std::vector<category> found;
  for (const subject* const one : all)
    found.push_back({.name = one->title, .is = one->is, .missing_because = one->missing_because});
  return found;
}

figure figure_of(const subject& one, std::uint64_t connections, const read_point& read) {
  if (one.missing_because) return missing(*one.missing_because);
  const load_point* const at = point_at(one, connections);
  return at != nullptr ? read(*at) : missing("not measured with so many connections");
}

bool worth_drawing(const plot& it) {
  return std::ranges::any_of(it.all, [](const series& one) {
    return std::ranges::any_of(one.values, &figure::available);
  });
}

std::string lead_of(const results& run, const read_point& read, better which) {
  const auto pair = loaded_pair(run);
  return pair ? verdict(read(*pair->fiber), read(*pair->thread), which) : std::string();
}

// A bar for each subject and number of connections.
plot by_subject(const results& run, plot made, better which, const read_point& read) {
  const auto all = everyone(run);
  made.categories = categories_of(all);
  made.category_title = "server";
  made.lead = lead_of(run, read, which);
  for (const std::uint64_t connections : connection_counts(run)) {
    series one{.name = at_count(connections), .values = {}};
    for (const subject* const it : all) one.values.push_back(figure_of(*it, connections, read));
    made.all.push_back(std::move(one));
  }
  return made;
}

struct part {
  const char* name;
  read_point read;
};

// Several figures of each subject, at one number of connections.
plot parts_of_subject(const results& run, plot made, std::uint64_t connections,
                      const std::vector<part>& parts) {
  const auto all = everyone(run);
  made.categories = categories_of(all);
  made.category_title = "server";
  for (const part& one : parts) {
    series values{.name = one.name, .values = {}};
    for (const subject* const it : all)
      values.values.push_back(figure_of(*it, connections, one.read));
    made.all.push_back(std::move(values));
  }
  return made;
}

std::vector<part> owners(memory_by_owner load_point::* which) {
  const auto member = [which](figure memory_by_owner::* owner) {
    return [=](const load_point& at) -> const figure& { return at.*which.*owner; };
  };
  return {{"user memory", member(&memory_by_owner::user)},
          {"page tables", member(&memory_by_owner::page_tables)},
          {"kernel stack", member(&memory_by_owner::kernel_stack)},
          {"other kernel objects", member(&memory_by_owner::slab)},
          {"socket", member(&memory_by_owner::socket)}};
}

std::vector<figure> totals(const results& run, std::uint64_t connections,
                           memory_by_owner load_point::* which) {
  std::vector<figure> found;
  for (const subject* const one : everyone(run))
    found.push_back(figure_of(*one, connections, [which](const load_point& at) -> const figure& {
      return (at.*which).total;
    }));
  return found;
}

section memory(const results& run) {
  section made{"memory",
               "What an idle connection weighs",
               "Bytes for each open connection, by who holds them: what the server's process, its "
               "page tables and the kernel have grown by, divided by the connections. Other kernel "
               "objects are known of the whole machine only: with few connections they are rough.",
               {}};
  for (const std::uint64_t connections : connection_counts(run)) {
    plot idle{.id = fmt::format("memory-idle-{}", connections),
              .title = "Idle, " + at_count(connections),
              .drawn_as = form::stacked,
              .unit = "B"};
    idle = parts_of_subject(run, std::move(idle), connections, owners(&load_point::idle));
    idle.totals = totals(run, connections, &load_point::idle);
    idle.lead = lead_of(
        run, [](const load_point& at) -> const figure& { return at.idle.total; }, better::less);
    made.plots.push_back(std::move(idle));
    plot after{.id = fmt::format("memory-after-{}", connections),
               .title = "Idle again after a message of 4 KiB, " + at_count(connections),
               .drawn_as = form::stacked,
               .unit = "B"};
    after =
        parts_of_subject(run, std::move(after), connections, owners(&load_point::after_messages));
    after.totals = totals(run, connections, &load_point::after_messages);
    made.plots.push_back(std::move(after));
  }
  return made;
}

// The factor between fibers and threads in the same turns, where fibers are what others are related
// to.
std::string lead_in_turns(const results& run, const read_point& read, better which,
                          const figure load_point::* ratio) {
  const auto pair = loaded_pair(run);
  if (!pair) return {};
  const bool related = run.kinds.front().name == "cooperative";
  return verdict(read(*pair->fiber), read(*pair->thread), which,
                 related ? pair->thread->*ratio : missing("not measured"));
}

plot ratio_plot(const results& run, plot made, const figure load_point::* ratio) {
  const auto all = everyone(run);
  if (all.empty()) return made;
  made.title += ", against " + all.front()->title;
  made.unit = "times";
  made.note =
      "Formed within turns that followed each other in less than two seconds, so that what else "
      "the machine did hit both alike.";
  made = by_subject(run, std::move(made), better::less,
                    [ratio](const load_point& at) -> const figure& { return at.*ratio; });
  made.lead.clear();
  return made;
}

section throughput(const results& run) {
  section made{"throughput",
               "What a message costs",
               fmt::format("Every connection always has one message of {} bytes under way; every "
                           "byte of every reply is checked.",
                           run.plan.message_bytes),
               {}};
  const read_point rate = [](const load_point& at) -> const figure& {
    return at.messages_per_second;
  };
  const read_point cpu = [](const load_point& at) -> const figure& { return at.server_cpu; };
  plot messages{.id = "messages", .title = "Messages a second", .unit = "messages/s"};
  plot time{.id = "cpu", .title = "Server's CPU time a message", .unit = "us"};
  messages = by_subject(run, std::move(messages), better::more, rate);
  time = by_subject(run, std::move(time), better::less, cpu);
  messages.lead = lead_in_turns(run, rate, better::more, &load_point::rate_ratio);
  time.lead = lead_in_turns(run, cpu, better::less, &load_point::cpu_ratio);
  made.plots = {
      std::move(messages), std::move(time),
      ratio_plot(run, {.id = "messages-ratio", .title = "Messages a second"},
                 &load_point::rate_ratio),
      ratio_plot(run, {.id = "cpu-ratio", .title = "CPU time a message"}, &load_point::cpu_ratio)};
  return made;
}

section latency(const results& run) {
  section made{
      "latency",
      "How long a reply takes",
      "At a fixed rate, the same for all, a message's time counts from when it was due, so "
      "that a server that stalls is charged for all that had to wait. In a closed loop "
      "every connection has a message under way, and even a fast server's replies wait "
      "for their turn.",
      {}};
  const std::vector<part> paced{
      {"p50", [](const load_point& at) -> const figure& { return at.paced_p50; }},
      {"p99", [](const load_point& at) -> const figure& { return at.paced_p99; }},
      {"p99.9", [](const load_point& at) -> const figure& { return at.paced_p999; }}};
  const std::vector<part> parts{
      {"p50", [](const load_point& at) -> const figure& { return at.latency_p50; }},
      {"p99", [](const load_point& at) -> const figure& { return at.latency_p99; }},
      {"p99.9", [](const load_point& at) -> const figure& { return at.latency_p999; }}};
  for (const std::uint64_t connections : connection_counts(run)) {
    plot due{.id = fmt::format("paced-{}", connections),
             .title = "Latency at a fixed rate, " + at_count(connections),
             .unit = "us"};
    due = parts_of_subject(run, std::move(due), connections, paced);
    due.lead = lead_of(
        run, [](const load_point& at) -> const figure& { return at.paced_p99; }, better::less);
    if (!due.lead.empty()) due.lead.insert(0, "p99: ");
    made.plots.push_back(std::move(due));
    made.plots.push_back(
        parts_of_subject(run,
                         {.id = fmt::format("latency-{}", connections),
                          .title = "Latency in a closed loop, " + at_count(connections),
                          .unit = "us"},
                         connections, parts));
  }
  return made;
}

section switches(const results& run) {
  section made{
      "switches",
      "Who switches how often",
      "Switches for each message: of the kernel between threads, which a thread that waits "
      "asks for (voluntary) and one whose time is over does not, and of the runtime "
      "between fibers.",
      {}};
  const std::vector<part> parts{
      {"kernel, voluntary",
       [](const load_point& at) -> const figure& { return at.voluntary_switches; }},
      {"kernel, involuntary",
       [](const load_point& at) -> const figure& { return at.involuntary_switches; }},
      {"in user space", [](const load_point& at) -> const figure& { return at.user_switches; }}};
  for (const std::uint64_t connections : connection_counts(run))
    made.plots.push_back(parts_of_subject(run,
                                          {.id = fmt::format("switches-{}", connections),
                                           .title = "Switches a message, " + at_count(connections),
                                           .drawn_as = form::stacked,
                                           .unit = "switches/message"},
                                          connections, parts));
  return made;
}

section opening(const results& run) {
  section made{"opening", "Opening and closing", "", {}};
  made.plots.push_back(
      by_subject(run, {.id = "open", .title = "Time to open a connection", .unit = "us"},
                 better::less, [](const load_point& at) -> const figure& { return at.open_time; }));
  plot churn{.id = "churn",
             .title = "Connections opened, used once and closed",
             .unit = "connections/s",
             .category_title = "server"};
  const auto all = everyone(run);
  churn.categories = categories_of(all);
  series rates{.name = "connections a second", .values = {}};
  for (const subject* const one : all)
    rates.values.push_back(one->missing_because ? missing(*one->missing_because) : one->churn);
  churn.all.push_back(std::move(rates));
  const subject* const fiber = find_named(run.kinds, "cooperative");
  const subject* const thread = find_named(run.kinds, "os-thread");
  if (fiber != nullptr && thread != nullptr)
    churn.lead = verdict(fiber->churn, thread->churn, better::more);
  made.plots.push_back(std::move(churn));
  return made;
}

// --- without connections -----------------------------------------------------------------------

plot bare_plot(const results& run, plot made, const figure bare_costs::* member) {
  made.unit = "ns";
  made.category_title = "kind";
  series all{.name = "each", .values = {}};
  for (const bare_costs& one : run.bare) {
    made.categories.push_back(
        {.name = one.title, .is = one.is, .missing_because = one.missing_because});
    all.values.push_back(one.missing_because ? missing(*one.missing_because, "ns") : one.*member);
  }
  made.all.push_back(std::move(all));
  const bare_costs* const fiber = find_named(run.bare, "cooperative");
  const bare_costs* const thread = find_named(run.bare, "pthread");
  if (fiber != nullptr && thread != nullptr)
    made.lead = verdict((*fiber).*member, (*thread).*member, better::less);
  return made;
}

section bare(const results& run) {
  section made{"bare",
               "What the operations cost by themselves",
               "Without connections, in a tight loop with warm caches; kinds of cede, and plain "
               "pthreads beside them.",
               {}};
  made.plots = {
      bare_plot(run, {.id = "switch", .title = "A switch, one way"}, &bare_costs::switch_one_way),
      bare_plot(run, {.id = "yield", .title = "A yield that lets another run"}, &bare_costs::yield),
      bare_plot(run, {.id = "spawn", .title = "Spawn and join, one at a time"},
                &bare_costs::spawn_join),
      bare_plot(run, {.id = "spawn-batch", .title = "Spawn and join, in batches of 64"},
                &bare_costs::spawn_join_batch),
      bare_plot(run, {.id = "wake", .title = "Wake another on the same CPU"},
                &bare_costs::wake_same_cpu),
      bare_plot(run, {.id = "wake-other", .title = "Wake another on another CPU"},
                &bare_costs::wake_other_cpu)};
  return made;
}

section refill(const results& run) {
  section made{
      "refill",
      "What a switch costs when caches have gone cold",
      "Two alternate on one CPU, and each goes through a working set of its own in "
      "between. What going through it takes without a switch is taken off: what is left is "
      "the switch, and what the other one has pushed out of the caches.",
      {}};
  const auto longest = std::ranges::max_element(
      run.refill, {}, [](const refill_curve& one) { return one.points.size(); });
  if (longest == run.refill.end()) return made;
  plot curves{.id = "refill",
              .title = "A switch, by working set",
              .note = "A point that is absent was lost in the noise: the table says in which.",
              .drawn_as = form::lines,
              .unit = "ns",
              .category_title = "working set",
              .place_unit = "B"};
  series touch{.name = "going through it, without a switch", .values = {}, .is = nature::loop};
  for (const refill_point& at : longest->points) {
    const auto place = static_cast<double>(at.working_set);
    curves.categories.push_back({.name = quantity(place, "B"), .place = place});
    touch.values.push_back(at.touch);
  }
  for (const refill_curve& one : run.refill) {
    series line{.name = one.title, .values = {}, .is = one.is};
    for (std::size_t i = 0; i < curves.categories.size(); ++i)
      line.values.push_back(one.missing_because     ? missing(*one.missing_because, "ns")
                            : i < one.points.size() ? one.points[i].per_switch
                                                    : missing("not measured", "ns"));
    curves.all.push_back(std::move(line));
  }
  curves.all.push_back(std::move(touch));
  made.plots.push_back(std::move(curves));
  return made;
}

}  // namespace

bool plot::logarithmic() const {
  constexpr double too_far_apart = 30;
  if (drawn_as == form::stacked || unit == "%") return false;
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const series& one : all)
    for (const figure& value : one.values) {
      if (!value.available()) continue;
      if (value.median <= 0) return false;
      least = std::min(least, value.median);
      most = std::max(most, value.median);
    }
  return most > least * too_far_apart;
}

std::vector<section> sections(const results& run) {
  std::vector<section> all{memory(run),       throughput(run),     latency(run),
                           hogs_section(run), slices_section(run), switches(run),
                           opening(run),      bare(run),           refill(run)};
  for (section& one : all)
    std::erase_if(one.plots, [](const plot& it) { return !worth_drawing(it); });
  std::erase_if(all, [](const section& one) { return one.plots.empty(); });
  return all;
}

}  // namespace cede::measure::report
