#include "sched/watchdog.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/backtrace.hpp"
#include "base/log.hpp"
#include "base/signals.hpp"
#include "context/thread_activity.hpp"
#include "sched/fiber.hpp"
#include "sched/fiber_slab.hpp"
#include "sched/parking.hpp"
#include "sched/syscall_names.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// A thread that blocks signals, or waits in the kernel without being interruptible, answers late or
// never.
constexpr auto patience = std::chrono::milliseconds(200);

std::string milliseconds(clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

std::string line_about(const hog_report& hog) {
  std::string line = hog.fiber + " has kept worker " + std::to_string(hog.worker) + " for " +
                     milliseconds(hog.kept) + " without giving way";
  if (!hog.blocked_in.empty()) line += ", in the system call " + hog.blocked_in;
  if (hog.waiting != 0)
    line +=
        "; " + std::to_string(hog.waiting) + (hog.waiting == 1 ? " waits" : " wait") + " behind it";
  return line;
}

void log_lines(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    base::log(log_level::warning, "  " + std::string(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

watchdog::inquiry& watchdog::about(const worker& w) {
  if (inquiries_.size() <= w.index()) inquiries_.resize(w.index() + 1);
  return inquiries_[w.index()];
}

void watchdog::look(worker& w, std::uint64_t switches, clock::time_point since,
                    clock::time_point now) noexcept {
  if (now - since < how_.threshold) return;
  inquiry& mine = about(w);
  if (mine.stretch != switches + 1) {
    mine.stretch = switches + 1;
    ask(w, mine, now);
    return;
  }
  if (mine.stage == inquiry::stage::over) return;
  const bool answered = w.probe().seen.at.load(std::memory_order_acquire) == mine.stretch;
  if (!answered && now < mine.give_up) return;
  mine.stage = inquiry::stage::over;
  if (!answered || w.probe().seen.cooperative) report(w, mine, now - since);
}

// A call that the kernel would end with EINTR is left alone: nothing may change for who is watched.
void watchdog::ask(worker& w, inquiry& about, clock::time_point now) noexcept {
  const pid_t thread = w.probe().thread.load(std::memory_order_relaxed);
  const auto doing = context::activity_of(thread);
  about.blocked_in = doing.what == context::activity::in_syscall ? doing.number : -1;
  about.stage = inquiry::stage::asked;
  about.give_up = now;
  if (about.blocked_in >= 0 && !restarts_after_signal(about.blocked_in)) return;
  about.give_up = now + patience;
  // Release pairs with the handler's acquire; it also orders the question before the kick.
  w.probe().question.store(about.stretch, std::memory_order_release);
  static_cast<void>(base::signals::kick(thread));
}

bool watchdog::may_speak() noexcept {
  const clock::time_point now = clock::now();
  if (now < quiet_until_) {
    ++kept_quiet_;
    return false;
  }
  quiet_until_ = now + how_.between_reports;
  return true;
}

// Allocates nothing: monitor.hpp rule 4. A live object cannot end while it is visited, so its name
// may be read.
void watchdog::name_blocked(std::uint64_t id, unsigned worker, long call, clock::duration time,
                            bool held_up) noexcept {
  if (!may_speak()) return;
  std::array<char, 96> who{};
  all_fibers().for_each_live([&](fiber& f) {
    if (f.id == id) describe(f, who.data(), who.size());
  });
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  std::array<char, 320> line{};
  std::snprintf(line.data(), line.size(), "%s has been in the system call %s for %lld ms%s%u%s",
                who[0] != '\0' ? who.data() : "a fiber", name_of_syscall(call).c_str(),
                static_cast<long long>(ms), held_up ? " and holds up worker " : "; worker ", worker,
                held_up ? ": no spare thread is left; raise runtime_options::spare_threads or use "
                          "cede::blocking"
                        : " goes on on a spare thread");
  base::log(log_level::warning, line.data());
}

void watchdog::report(worker& w, const inquiry& about, clock::duration kept) noexcept {
  if (!may_speak()) return;
  try {
    hog_report hog;
    hog.worker = w.index();
    hog.kept = kept;
    if (about.blocked_in >= 0) hog.blocked_in = name_of_syscall(about.blocked_in);
    const sighting& seen = w.probe().seen;
    if (seen.at.load(std::memory_order_acquire) == about.stretch) {
      hog.fiber = seen.fiber.data();
      hog.waiting = seen.waiting;
      hog.backtrace = base::backtrace::symbolize(std::span(seen.frames).first(seen.frame_count));
    } else {
      hog.fiber = w.name_of_running();
    }
    publish(hog);
  } catch (const std::exception&) {  // no memory, or the callback threw
    base::log(log_level::warning, "the watchdog could not report a fiber that does not give way");
  }
}

void watchdog::publish(const hog_report& hog) noexcept {
  base::log(log_level::warning, line_about(hog));
  log_lines(hog.backtrace);
  if (const unsigned more = std::exchange(kept_quiet_, 0); more != 0)
    base::log(log_level::warning,
              "  and " + std::to_string(more) + " others since the last report");
  if (how_.on_hog) how_.on_hog(hog);
}

}  // namespace cede::sched
