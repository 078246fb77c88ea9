// Two fibers share one worker, and so one CPU: each talks as long as it likes, and the other waits.
//
// First both yield after each line, and a conversation comes of it. Then B never yields: A, who only
// wants the butter, starves until B has said everything. Nobody interrupts a cooperative fiber. For
// code that cannot be made to yield there is cede::blocking, or cede::os_thread.
#include <cede/cede.hpp>
#include <chrono>
#include <cstdio>
#include <initializer_list>

namespace {

using namespace std::chrono_literals;
using lines = std::initializer_list<const char*>;

cede::clock::time_point started;

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

// A long computation, as the worker sees it: B keeps the CPU for all that time.
void keep_talking(cede::clock::duration time) {
  const auto end = cede::clock::now() + time;
  while (cede::clock::now() < end) {
  }
}

void talk_without_a_break(const char* who, lines text) {
  for (const char* line : text) {
    say(who, line);
    keep_talking(500ms);
  }
}

void part(const char* title) {
  std::printf("\n%s\n", title);
  started = cede::clock::now();
}

void both_yield() {
  part("Both yield after each line:");
  cede::scope table;
  table.spawn([] {
    talk_and_yield("A", {"So, how was your day?", "Oh? What did you see there?",
                         "Kangaroos, here?", "And llamas! Could you pass the butter?",
                         "Thank you."});
  });
  table.spawn([] {
    talk_and_yield("B", {"Splendid, I was at the zoo.", "Kangaroos, to begin with.",
                         "Yes, and llamas next to them.", "Of course. Here it is.",
                         "You are welcome."});
  });
}

void b_never_yields() {
  part("B never yields, and A has just thought of the butter:");
  cede::scope table;
  table.spawn([] {
    talk_and_yield("A", {"So, how was your day?", "Could you pass the butter? I have been trying"
                                                  " to ask since you began."});
  });
  table.spawn([] {
    talk_without_a_break("B", {"I saw llamas!", "Llamas, you see, have very soft feet.",
                               "They hum when they are content.",
                               "A llama that is annoyed spits.", "One of them looked just like you.",
                               "That is all about llamas. What did you say?"});
  });
}

}  // namespace

int main() {
  return cede::run({.workers = 1}, [] {
    both_yield();
    b_never_yields();
  });
}
