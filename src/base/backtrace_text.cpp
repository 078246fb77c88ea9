#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/backtrace.hpp"
#include "base/line_buffer.hpp"
#include "base/symbols.hpp"

namespace cede::base::backtrace {
namespace {

// `object+0xoffset`, as addr2line wants it. _dl_find_object is the one look-up that is
// async-signal-safe (glibc manual, "Dynamic Linker Introspection").
template <std::size_t Capacity>
void append_place(line_buffer<Capacity>& text, void* address) noexcept {
  const auto where = reinterpret_cast<std::uintptr_t>(address);
  dl_find_object found{};
  if (::_dl_find_object(address, &found) != 0) {
    text.append("0x").append(std::uint64_t{where}, 16);
    return;
  }
  const std::string_view object = found.dlfo_link_map->l_name;
  text.append(object.empty() ? "program" : object);
  text.append("+0x").append(std::uint64_t{where - found.dlfo_link_map->l_addr}, 16);
}

void print_places(int descriptor, std::span<void* const> frames) noexcept {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    line_buffer<512> text;
    text.append("#").append(std::uint64_t{i}).append(" ");
    append_place(text, frames[i]);
    write_fully(descriptor, text.line());
  }
}

std::string described(void* address, const symbol& found) {
  const std::string function = found.function.empty() ? "?" : found.function;
  if (!found.file.empty()) return function + " at " + found.file + ":" + std::to_string(found.line);
  line_buffer<512> place;
  append_place(place, address);
  return function + " in " + std::string(place.view());
}

struct request {
  int descriptor;
  std::span<void* const> frames;
};

// Runs in the child, on a stack of its own.
int print_symbols(void* argument) {
  // What goes wrong here, with a heap that may be broken, must not be reported in its turn.
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(number, SIG_DFL);
  const request& wanted = *static_cast<const request*>(argument);
  write_fully(wanted.descriptor, symbolize(wanted.frames));
  return 0;
}

// Whether the child ended well in time. A child that inherited a lock held by another thread hangs.
bool ended_well(pid_t child) noexcept {
  constexpr timespec step{.tv_sec = 0, .tv_nsec = 5'000'000};
  constexpr int steps = 1000;
  int status = 0;
  for (int i = 0; i < steps; ++i) {
    const pid_t ended = ::waitpid(child, &status, __WALL | WNOHANG);
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended < 0 && errno != EINTR) return false;
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &step, nullptr);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, __WALL);
  return false;
}

// No exit signal, so that the program's own SIGCHLD handling sees nothing of the child, and a stack
// of its own, since libdw needs more than a signal stack may have.
bool print_by_child(request& wanted) noexcept {
  constexpr std::size_t stack_size = std::size_t{1} << 20;
  void* const stack = ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return false;
  const pid_t child =
      ::clone(print_symbols, static_cast<std::byte*>(stack) + stack_size, 0, &wanted);
  const bool printed = child > 0 && ended_well(child);
  ::munmap(stack, stack_size);
  return printed;
}

}  // namespace

std::string symbolize(std::span<void* const> frames) {
  const symbol_source symbols;
  std::string text;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    text += "#" + std::to_string(i) + " " + described(frames[i], symbols.find(frames[i])) + "\n";
  }
  return text;
}

void print(int descriptor, std::span<void* const> frames) noexcept {
  const int saved_errno = errno;
  request wanted{.descriptor = descriptor, .frames = frames};
  if (!print_by_child(wanted)) print_places(descriptor, frames);
  errno = saved_errno;
}

}  // namespace cede::base::backtrace
