#include "measure/report/write_report.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "measure/report/page.hpp"
#include "measure/report/results_json.hpp"

namespace cede::measure::report {
namespace {

namespace fs = std::filesystem;

std::string text_of(int error_number) { return std::system_category().message(error_number); }

std::string cannot_write(const fs::path& file, int error_number) {
  return fmt::format("cannot write {}: {}; choose another folder with --out", file.string(),
                     text_of(error_number));
}

// A file beside the one that is meant, to be renamed once it is whole; gone otherwise.
class new_file {
 public:
  explicit new_file(const fs::path& target)
      : target_(target),
        name_(target.string() + ".XXXXXX"),
        fd_(::mkostemp(name_.data(), O_CLOEXEC)),
        error_number_(fd_ < 0 ? errno : 0) {}
  ~new_file() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;

  /// Returns an errno, or 0.
  int fill(std::string_view text) {
    if (error_number_ != 0) return error_number_;
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno != EINTR) return errno;
      if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    // As open(2) would have made it; mkstemp lets nobody else read.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return ::fchmod(fd_, 0666 & ~mask) != 0 || ::fsync(fd_) != 0 ? errno : 0;
  }

  int put_in_place() {
    if (::rename(name_.c_str(), target_.c_str()) != 0) return errno;
    name_.clear();
    return 0;
  }

 private:
  const fs::path& target_;
  std::string name_;
  int fd_;
  int error_number_;
};

}  // namespace

std::expected<written_report, std::string> write_report(const results& run,
                                                        const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return std::unexpected(cannot_write(folder, error.value()));
  const written_report made{folder / "report.json", folder / "report.html"};
  new_file json(made.json);
  new_file html(made.page);
  if (const int code = json.fill(to_json(run)); code != 0)
    return std::unexpected(cannot_write(made.json, code));
  if (const int code = html.fill(page(run)); code != 0)
    return std::unexpected(cannot_write(made.page, code));
  if (const int code = json.put_in_place(); code != 0)
    return std::unexpected(cannot_write(made.json, code));
  if (const int code = html.put_in_place(); code != 0)
    return std::unexpected(cannot_write(made.page, code));
  return made;
}

std::expected<results, std::string> read_report(const fs::path& file) {
  const auto cannot_read = [&](int error_number) {
    return std::unexpected(fmt::format("cannot read {}: {}", file.string(), text_of(error_number)));
  };
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot_read(errno);
  std::string text;
  char part[16 * 1024];
  ssize_t count = 0;
  int error_number = 0;
  while (error_number == 0 && (count = ::read(fd, part, sizeof part)) != 0)
    if (count > 0)
      text.append(part, static_cast<std::size_t>(count));
    else if (errno != EINTR)
      error_number = errno;
  ::close(fd);
  if (error_number != 0) return cannot_read(error_number);
  auto run = from_json(text);
  if (!run) return std::unexpected(fmt::format("{}: {}", file.string(), run.error()));
  return run;
}

}  // namespace cede::measure::report
