#include "context/thread_activity.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>

namespace cede::context {

namespace {

// Longer than any path to the file, the thread's number has ten digits at most.
using path_text = std::array<char, 64>;

int open_file(pid_t thread, std::string_view after) noexcept {
  constexpr std::string_view before = "/proc/self/task/";
  path_text path{};
  char* end = before.copy(path.data(), before.size()) + path.data();
  end = std::to_chars(end, path.data() + path.size() - after.size() - 1, thread).ptr;
  after.copy(end, after.size());
  return ::open(path.data(), O_RDONLY | O_CLOEXEC);
}

bool is_futex(long number) noexcept {
  constexpr long futex_waitv =
      449;                          // newer than this C library's headers, as are the two after it;
  constexpr long futex_wait = 455;  // numbers from 424 on are the same on every architecture
  constexpr long futex_requeue = 456;
  return number == SYS_futex || number == futex_waitv || number == futex_wait ||
         number == futex_requeue;
}

// "running", or the number of the system call and more, or "-1" and more.
thread_activity parse(std::string_view text) noexcept {
  if (text.starts_with("running")) return {activity::running, -1};
  long number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return {};
  if (number < 0) return {activity::in_kernel, -1};
  return {is_futex(number) ? activity::in_futex : activity::in_syscall, number};
}

}  // namespace

activity_probe::activity_probe(pid_t thread) noexcept : file_(open_file(thread, "/syscall")) {}

activity_probe::~activity_probe() {
  if (file_ >= 0) ::close(file_);
}

activity_probe::activity_probe(activity_probe&& other) noexcept
    : file_(std::exchange(other.file_, -1)) {}

activity_probe& activity_probe::operator=(activity_probe&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

thread_activity activity_probe::look() const noexcept {
  if (file_ < 0) return {};
  std::array<char, 256> text;
  const ssize_t count = ::pread(file_, text.data(), text.size(), 0);
  if (count <= 0) return {};
  return parse({text.data(), static_cast<std::size_t>(count)});
}

// The 39th field; the second, a name in parentheses, may have spaces.
int cpu_of(pid_t thread) noexcept {
  const int file = open_file(thread, "/stat");
  if (file < 0) return -1;
  std::array<char, 1024> text;
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  if (count <= 0) return -1;
  std::string_view rest(text.data(), static_cast<std::size_t>(count));
  rest.remove_prefix(std::min(rest.rfind(')'), rest.size()));
  for (int field = 2; field < 39; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return -1;
    rest.remove_prefix(space + 1);
  }
  int cpu = -1;
  std::from_chars(rest.data(), rest.data() + rest.size(), cpu);
  return cpu;
}

thread_activity activity_of(pid_t thread) noexcept { return activity_probe(thread).look(); }

}  // namespace cede::context
