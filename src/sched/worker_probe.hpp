// What the monitor asks of a worker's thread, and what the kick's handler answers there.
//
// Actors: the monitor's thread; the handler, on the worker's thread at any instruction; that
// thread itself, at the begin and end of its run.
// Who may touch what: `thread` and the slice's are written by the worker's thread. The monitor
// writes `question` and `kick_for`, and sends the kick. The handler takes the question out, fills
// the sighting and, last, writes `sighting.at`. Rules
//   1. The monitor reads the sighting only while `at` is what it asked for (acquire, pairs with the
//      handler's release), and asks again only after that or when it has given up: an answer that
//      comes later than that bears another number, as `at` is the worker's count of switches.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cede/clock.hpp>
#include <cstddef>
#include <cstdint>

namespace cede::sched {

class fiber;

struct sighting {
  std::atomic<std::uint64_t> at{0};  // the worker's count of switches, plus one; 0: none yet
  std::array<char, 96> fiber{};
  std::array<void*, 48> frames{};
  std::size_t frame_count = 0;
  std::size_t waiting = 0;
  bool cooperative = false;  // a cooperative fiber was running; else the rest says nothing
};

struct worker_probe {
  std::atomic<pid_t> thread{0};            // 0: nobody runs it
  std::atomic<std::uint64_t> question{0};  // as sighting::at; 0: none
  sighting seen;
  // For preemption. Written by the worker at each switch to a preemptive fiber, in this order:
  std::atomic<clock::rep> slice{0};      // how long it may run
  std::atomic<clock::rep> slice_end{0};  // when its time is over; 0: `slice` after it is first seen
  std::atomic<bool> others_ready{true};  // or that is not known; set also while it runs
  std::atomic<clock::rep> next_timer{0};  // when the first timer is due; 0: that is not known
  std::atomic<std::uint64_t> preemptive_at{UINT64_MAX};  // the count of switches then
  std::atomic<fiber*> occupant{nullptr};   // that fiber; written before `preemptive_at`
  std::atomic<std::uint64_t> kick_for{0};  // by the monitor: that count, plus one, when it kicks
};

}  // namespace cede::sched
