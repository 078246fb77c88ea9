// The leader's end of a run: starts the parts, tells them what to do and hears what comes of it.
//
// Actors: the leader's thread, which alone uses a team; one thread or process for each part,
// reached by its socket only. One that fails makes all fail: the leader drops its sockets, and
// parts end when the leader is gone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "measure/load/channel.hpp"
#include "measure/load/messages.hpp"
#include "measure/load/plan.hpp"
#include "measure/load/watch.hpp"

namespace cede::measure::load {

class team {
 public:
  explicit team(const watch& onlooker) : onlooker_(onlooker) {}
  ~team();
  team(const team&) = delete;
  team& operator=(const team&) = delete;

  /// A further part, as a thread, or as a process of `program` where that is not empty.
  outcome<> add(const connection_plan& plan, const std::string& program);

  std::size_t size() const noexcept { return members_.size(); }

  /// Gives a part something to do.
  /// Requires: it is idle; or what is said is for one at work.
  outcome<> tell(std::size_t index, const message::command& what);

  /// Hears what parts say until `until`, or `enough()`, or a stop is asked for. `report` is called
  /// now and then, with the sum of what the parts have done.
  outcome<> listen(std::chrono::nanoseconds until, const std::function<bool()>& enough,
                   const std::function<void(std::uint64_t)>& report);

  bool at_work(std::size_t index) const noexcept { return members_[index].at_work; }
  bool at_work() const noexcept;
  const message::reply& answer(std::size_t index) const noexcept { return members_[index].answer; }

  /// The onlooker wants the run to end.
  bool stop_asked() const noexcept { return stop_asked_; }
  /// Tells the parts at work to stop, and waits for their answers.
  outcome<> stop();

 private:
  struct member {
    channel line;
    std::thread thread = {};
    pid_t process = 0;
    bool at_work = false;
    std::uint64_t done = 0;
    message::reply answer = message::settled{};
  };

  outcome<> hear(member& from);
  failure why_gone(member& from);
  outcome<> wait_for_words(std::chrono::nanoseconds timeout);

  const watch& onlooker_;
  std::vector<member> members_;
  bool stop_asked_ = false;
};

/// How many parts, each a process if there are several, share `connections`, beside `hogs` in this
/// process; also makes room for them by raising the soft limit of descriptors. `wanted` 0: as few
/// as there must be. Errors: a line that names the limit and what to raise.
outcome<std::uint32_t> parts_needed(std::uint32_t connections, std::uint32_t hogs,
                                    std::uint32_t wanted);

}  // namespace cede::measure::load
