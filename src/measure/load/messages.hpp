// What the one who leads a run and its parts say to each other, a line each (channel.hpp).
//
//   leader   setup  open  exchange  measure  close          one after the other
//            stop, hogs_over                                while the part is at it
//   part     progress ...  then settled (measure: measured) or failed, once for each of the first
//
// A part whose leader is gone ends.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "measure/load/failure.hpp"
#include "measure/load/plan.hpp"
#include "measure/load/tally.hpp"
#include "measure/load/timetable.hpp"

namespace cede::measure::load::message {

struct setup {
  connection_plan plan;
};

/// Connect so many more, numbered from `first_number` on if they are the first.
struct open {
  std::uint32_t first_number = 0;
  std::uint32_t connections = 0;
  bool greet = true;
};

/// One message on every connection.
struct exchange {};

struct measure {
  timetable when;
  /// Messages a second of this part; 0 for a closed loop.
  double rate = 0;
  /// Of the time between two messages, how much later than others this part begins.
  double offset = 0;
};

struct close {
  bool reset = false;
};

struct stop {};

/// What was not known when the measurement began; the fields of its timetable.
struct hogs_over {
  timetable::instant at{};
  timetable::instant end{};
  timetable::instant during_from{};
  timetable::instant during_to{};
};

using command = std::variant<setup, open, exchange, measure, close, stop, hogs_over>;

struct progress {
  std::uint64_t done = 0;
};

struct settled {
  /// That rest now.
  std::uint32_t connections = 0;
  /// An exchange: how long it was at work.
  timetable::instant began = {};
  timetable::instant ended = {};
};

struct measured {
  loop_tally tally;
};

struct failed {
  std::string line;
};

using reply = std::variant<progress, settled, measured, failed>;

std::string encode(const command& what);
std::string encode(const reply& what);
outcome<command> decode_command(const std::string& line);
outcome<reply> decode_reply(const std::string& line);

}  // namespace cede::measure::load::message
