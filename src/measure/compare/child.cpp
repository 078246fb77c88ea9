#include "measure/compare/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "measure/compare/child_program.hpp"

namespace cede::measure::compare {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::unexpected<failure> cannot_start(const launch& what, int error) {
  return fail(fmt::format("{}: {} cannot be started: {}", what.title, what.command.front(),
                          std::strerror(error)));
}

struct two_ends {
  io::owned_fd read;
  io::owned_fd write;
};

std::optional<two_ends> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return two_ends{io::owned_fd(ends[0]), io::owned_fd(ends[1])};
}

}  // namespace

outcome<child> child::start(const launch& what, const interruption& stop) {
  auto input = make_pipe();
  auto output = make_pipe();
  auto trouble = make_pipe();  // closed by exec, or errno of what failed before
  io::owned_fd errors(::memfd_create("stderr", MFD_CLOEXEC));
  if (!input || !output || !trouble || errors.get() < 0) return cannot_start(what, errno);

  const child_program program(what.command, what.cpus,
                              {input->read.get(), output->write.get(), errors.get()},
                              trouble->write.get());
  const pid_t pid = ::fork();
  if (pid == 0) program.become();
  if (pid < 0) return cannot_start(what, errno);
  child result(pid, what.title, stop);
  trouble->write.reset();
  int error = 0;
  if (::read(trouble->read.get(), &error, sizeof error) > 0) return cannot_start(what, error);
  result.process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (result.process_.get() < 0) return cannot_start(what, errno);
  ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
  result.input_ = std::move(input->write);
  result.output_ = std::move(output->read);
  result.errors_ = std::move(errors);
  return result;
}

child::child(child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      title_(std::move(other.title_)),
      stop_(other.stop_),
      process_(std::move(other.process_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      unread_(std::move(other.unread_)),
      code_(other.code_) {}

child::~child() {
  if (pid_ == 0 || code_) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void child::signal(int number) noexcept {
  if (!code_) ::kill(pid_, number);
}

// A signal that comes meanwhile is one that is blocked; EINTR has other reasons, such as SIGCONT.
void child::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  code_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

outcome<> child::wait_for(int descriptor, milliseconds patience, std::string_view what) {
  const auto end = clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - clock::now());
    if (left.count() <= 0)
      return fail(fmt::format("{} {} for {} s", title_, what,
                              std::chrono::duration<double>(patience).count()));
    std::array<pollfd, 2> looks{{{descriptor, POLLIN, 0}, {stop_->descriptor(), POLLIN, 0}}};
    const int ready = ::poll(looks.data(), looks.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return fail(fmt::format("poll: {}", std::strerror(errno)));
    if (ready <= 0) continue;
    if (looks[1].revents != 0) return interruption::failed();
    return {};
  }
}

// False at the end of its output.
outcome<bool> child::read_more(milliseconds patience) {
  if (auto waited = wait_for(output_.get(), patience, "printed nothing"); !waited)
    return std::unexpected(waited.error());
  std::array<char, 4096> piece;
  const ssize_t got = ::read(output_.get(), piece.data(), piece.size());
  if (got > 0) unread_.append(piece.data(), static_cast<std::size_t>(got));
  return got != 0;
}

outcome<std::string> child::read_line(milliseconds patience) {
  for (;;) {
    if (const std::size_t end = unread_.find('\n'); end != unread_.npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    const auto more = read_more(patience);
    if (!more) return std::unexpected(more.error());
    if (!*more) return ended_early();
  }
}

outcome<std::string> child::read_rest(milliseconds patience) {
  for (;;) {
    const auto more = read_more(patience);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
  }
  if (auto ended = wait(patience); !ended) return std::unexpected(ended.error());
  return std::exchange(unread_, {});
}

outcome<> child::write_line(std::string_view line) {
  const std::string text = fmt::format("{}\n", line);
  if (::write(input_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    return {};
  return ended_early();
}

outcome<> child::wait(milliseconds patience) {
  if (!code_) {
    if (auto waited = wait_for(process_.get(), patience, "did not end"); !waited) return waited;
    reap();
  }
  if (*code_ != 0) return ended_early();
  return {};
}

// Its stdout is closed, or nobody reads its stdin: it has ended, or is about to.
std::unexpected<failure> child::ended_early() {
  constexpr milliseconds patience{5000};
  if (!code_) {
    if (auto waited = wait_for(process_.get(), patience, "closed its output, but did not end");
        !waited)
      return std::unexpected(waited.error());
    reap();
  }
  const std::string how =
      *code_ < 0 ? fmt::format("was ended by signal {} ({})", -*code_, ::strsignal(-*code_))
                 : fmt::format("ended with code {}", *code_);
  const std::string words = last_words();
  return fail(fmt::format("{} {}{}{}", title_, how, words.empty() ? "" : ": ", words));
}

std::string child::last_words() const {
  std::string text(4096, '\0');
  const off_t size = ::lseek(errors_.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(size - static_cast<off_t>(text.size()), 0);
  const ssize_t got = ::pread(errors_.get(), text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (const std::size_t line = text.rfind('\n'); line != text.npos) text.erase(0, line + 1);
  return text;
}

}  // namespace cede::measure::compare
