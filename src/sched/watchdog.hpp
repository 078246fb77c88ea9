// Finds cooperative fibers that do not give way, and says who they are and where. Looks when the
// monitor does, at how often each worker has switched.
//
// Threads: the monitor's only. The backtrace is taken by the kick's handler on the hog's thread
// (worker_probe.hpp), without a lock or an allocation; names and lines are looked up here.
#pragma once

#include <cede/clock.hpp>
#include <cede/hog_report.hpp>
#include <cstdint>
#include <functional>
#include <vector>

namespace cede::sched {

class worker;

struct watchdog_options {
  clock::duration threshold{0};  // 0: off
  std::function<void(const hog_report&)> on_hog;
  clock::duration between_reports = std::chrono::seconds(1);
};

class watchdog {
 public:
  explicit watchdog(watchdog_options how) : how_(std::move(how)) {}

  bool on() const noexcept { return how_.threshold > clock::duration(0); }
  /// How often to look.
  clock::duration period() const noexcept { return how_.threshold / 4; }

  clock::duration threshold() const noexcept { return how_.threshold; }

  /// The preemptive fiber `id` has been in a system call for `time`; its worker goes on without it
  /// or, if `held_up`, not.
  void name_blocked(std::uint64_t id, unsigned worker, long call, clock::duration time,
                    bool held_up) noexcept;

  /// `w` has been seen not to switch since `since`.
  void look(worker& w, std::uint64_t switches, clock::time_point since,
            clock::time_point now) noexcept;

 private:
  // Of one worker: which stretch we are busy with, and how far.
  struct inquiry {
    std::uint64_t stretch = 0;  // the count of switches, plus one
    enum class stage : std::uint8_t { asked, over } stage = stage::over;
    clock::time_point give_up{};
    long blocked_in = -1;
  };

  void ask(worker& w, inquiry& about, clock::time_point now) noexcept;
  void report(worker& w, const inquiry& about, clock::duration kept) noexcept;
  void publish(const hog_report& hog) noexcept;
  bool may_speak() noexcept;
  inquiry& about(const worker& w);

  const watchdog_options how_;
  std::vector<inquiry> inquiries_;
  clock::time_point quiet_until_ = clock::time_point::min();
  unsigned kept_quiet_ = 0;
};

}  // namespace cede::sched
