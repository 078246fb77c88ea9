// Two fibers share one worker, and so one CPU: each talks as long as it likes; the other waits.
//
// First both yield after each line, and a conversation comes of it. Then B never yields, and A, who
// only wants the butter, starves until B has said everything: nobody interrupts a cooperative
// fiber, but the watchdog says on stderr who it is. At last the same B is preemptive, and A gets
// the butter: the scheduler yields for B.
#include <cede/cede.hpp>
#include <chrono>
#include <cstdio>
#include <initializer_list>

namespace {

using namespace std::chrono_literals;
using lines = std::initializer_list<const char*>;

cede::clock::time_point started;

void part(const char* title) {
  std::printf("%s\n", title);
  started = cede::clock::now();
}

void say(const char* who, const char* line) {
  const std::chrono::duration<double> since = cede::clock::now() - started;
  std::printf("%6.2f s  %s: %s\n", since.count(), who, line);
  std::fflush(stdout);
}

void talk_and_yield(const char* who, lines text) {
  for (const char* line : text) {
    say(who, line);
    cede::this_fiber::yield();
  }
}

// After each line B goes on thinking of llamas: half a second of work without a wait or a yield.
void talk_without_yielding(const char* who, lines text) {
  for (const char* line : text) {
    say(who, line);
    const auto end = cede::clock::now() + 500ms;
    while (cede::clock::now() < end) continue;
  }
}

void both_yield() {
  part("Both yield after each line:");
  cede::scope table;
  table.spawn([] {
    talk_and_yield("A", {"So, how was your day?", "Oh? What was there to see?", "Kangaroos, here?",
                         "How nice. Could you pass the butter?", "Thank you."});
  });
  table.spawn([] {
    talk_and_yield("B", {"Splendid, I was at the zoo.", "Kangaroos, to begin with.",
                         "Yes, and llamas next to them.", "Of course, here it is.", "Not at all."});
  });
}

void b_never_yields(cede::kind b) {
  cede::scope table;
  table.spawn({.name = "A"}, [] {
    talk_and_yield("A", {"So, how was your day?", "Could you pass the butter?",
                         "I have been trying to ask ever since you began."});
  });
  table.spawn(b, {.name = "B"}, [] {
    talk_without_yielding(
        "B", {"I saw llamas! Llamas have very soft feet.", "They hum when they are content.",
              "When they are annoyed, they spit.", "One of the llamas looked just like you.",
              "And that is all about llamas."});
    cede::this_fiber::yield();  // at last
    say("B", "The butter? Of course, here it is.");
  });
}

}  // namespace

int main() {
  return cede::run({.workers = 1}, [] {
    both_yield();
    part("\nB never yields, and A would like the butter:");
    b_never_yields(cede::cooperative);
    if (const char* const obstacle = cede::obstacle_to_preemptive()) {
      std::printf("\nB cannot be interrupted here: %s\n", obstacle);
      return;
    }
    part("\nB still never yields, but is interrupted:");
    b_never_yields(cede::preemptive);
  });
}
