#include "measure/compare/tool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "io/owned_fd.hpp"

namespace cede::measure {
namespace {

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('=') + 1);
}

// This process's variables but those that are given, and these.
std::vector<char*> environment(std::vector<std::string>& given) {
  std::vector<char*> all;
  for (char** own = environ; *own != nullptr; ++own) {
    const bool replaced = std::ranges::any_of(given, [own](std::string_view variable) {
      return std::string_view(*own).starts_with(name_of(variable));
    });
    if (!replaced) all.push_back(*own);
  }
  for (std::string& variable : given) all.push_back(variable.data());
  all.push_back(nullptr);
  return all;
}

class file_actions {
 public:
  file_actions(int output, const std::filesystem::path& folder) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
  }
  ~file_actions() { posix_spawn_file_actions_destroy(&actions_); }
  file_actions(const file_actions&) = delete;
  file_actions& operator=(const file_actions&) = delete;
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::expected<void, std::string> wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return std::unexpected(fmt::format("waitpid: {}", std::strerror(errno)));
  if (WIFSIGNALED(status))
    return std::unexpected(
        fmt::format("was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status))));
  if (WEXITSTATUS(status) != 0)
    return std::unexpected(fmt::format("ended with code {}", WEXITSTATUS(status)));
  return {};
}

std::expected<void, std::string> run_into(const tool_run& what, int output) {
  std::vector<std::string> words = what.command;
  std::vector<std::string> variables = what.variables;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const file_actions actions(output, what.folder);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments.front(), actions.get(), nullptr, arguments.data(),
                                environment(variables).data());
  if (error != 0)
    return std::unexpected(fmt::format("could not be started: {}", std::strerror(error)));
  return wait_for(child);
}

std::string contents(int file) {
  std::string text;
  char buffer[4096];
  for (off_t at = 0;;) {
    const ssize_t got = pread(file, buffer, sizeof buffer, at);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    at += got;
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace

std::optional<std::filesystem::path> find_tool(std::string_view name,
                                               std::span<const std::filesystem::path> folders) {
  for (const auto& folder : folders) {
    const auto candidate = folder / name;
    std::error_code ignored;
    if (access(candidate.c_str(), X_OK) == 0 &&
        std::filesystem::is_regular_file(candidate, ignored))
      return candidate;
  }
  return std::nullopt;
}

std::expected<void, std::string> run_tool(const tool_run& what, const std::filesystem::path& log) {
  const io::owned_fd file(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0)
    return std::unexpected(
        fmt::format("its log {} cannot be written: {}", log.string(), std::strerror(errno)));
  return run_into(what, file.get());
}

std::expected<std::string, std::string> output_of(const tool_run& what) {
  const io::owned_fd file(memfd_create("output", MFD_CLOEXEC));
  if (file.get() < 0) return std::unexpected(fmt::format("memfd_create: {}", std::strerror(errno)));
  if (auto ended = run_into(what, file.get()); !ended) return std::unexpected(ended.error());
  return contents(file.get());
}

}  // namespace cede::measure
