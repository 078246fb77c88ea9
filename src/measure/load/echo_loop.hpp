// The loop that a part runs while it measures: it sends messages over its connections, closed or
// open, and counts the replies (timetable.hpp).
//
//   closed  every connection has one message outstanding all the time
//   open    message i is due at begin + i / rate, on connection i modulo their number, whether the
//           server keeps up or not; on a connection that still waits for a reply it queues, and its
//           time counts from when it was due
//
// So the queue of a connection in the open loop needs no memory: its next message is known by
// number.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "measure/load/crowd.hpp"
#include "measure/load/messages.hpp"

namespace cede::measure::load {

class echo_loop {
 public:
  /// Requires: every connection of `members` rests.
  echo_loop(crowd& members, const connection_plan& plan, const message::measure& how);

  /// Runs to the end of the timetable, and until all replies have come. `stopping` is asked now and
  /// then; true ends it at once.
  /// Errors: any wrong, missing or surplus byte; a connection that gets no reply in the plan's
  /// timeout.
  outcome<loop_tally> run(const std::function<bool()>& stopping);

  /// While it runs: the hogs were done at `over.at`.
  void learn(const message::hogs_over& over);

 private:
  using instant = timetable::instant;

  bool open() const noexcept { return pace_ == pacing::open_loop; }
  instant due(std::uint64_t number) const noexcept;
  std::uint64_t next_number(const conversation& member) const noexcept;
  bool wants_more(const conversation& member, instant now) const noexcept;

  void begin();
  outcome<> start_more();
  outcome<> send_what_is_due(instant now);
  outcome<> ask(conversation& member, instant due, instant now);
  outcome<> answered(conversation& member);
  struct arrival {
    std::uint32_t index;
    instant due;
    instant at;
  };

  void count(const arrival& reply);
  void count_put_off();
  void cross_boundaries(instant now);
  outcome<> wait(instant now);

  std::unexpected<failure> no_reply(std::size_t connections) const;
  outcome<> check_silence(instant now) const;
  bool finished(instant now) const noexcept;
  outcome<> check_forgotten(instant now) const;
  void count_unanswered(instant now);
  void count_missed(instant first, instant last, std::uint64_t count, instant now);
  std::uint64_t alike(const conversation& member, instant now) const noexcept;
  loop_tally finish(instant now);

  crowd& members_;
  const connection_plan& plan_;
  timetable when_;
  pacing pace_;
  double interval_;  // ns between two messages of the open loop
  double offset_;

  loop_tally tally_;
  // Replies while hogs are at work: where they count is known when the hogs are done.
  std::vector<arrival> put_off_;
  std::size_t outstanding_ = 0;
  std::size_t started_ = 0;   // closed loop: connections that have sent their first message
  std::uint64_t cursor_ = 0;  // the first message that is not yet due
  instant began_{};
  instant silent_since_{};        // the last reply, or since then the first message to wait for one
  std::optional<window> window_;  // that it is in now
  instant boundary_{};            // where that may change
  instant cpu_at_boundary_{};
};

}  // namespace cede::measure::load
