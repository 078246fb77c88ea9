#include "measure/compare/proc_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/owned_fd.hpp"

namespace cede::measure::compare {
namespace {

// Several calls may be needed: a text of /proc comes in pieces of a page.
bool read_whole(int file, std::string& into) {
  constexpr std::size_t piece = 8192;
  std::size_t size = 0;
  for (;;) {
    into.resize(size + piece);
    const ssize_t got = ::read(file, into.data() + size, piece);
    if (got < 0 && errno == EINTR) continue;
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
    if (got <= 0) {
      into.resize(size);
      return got == 0;
    }
  }
}

}  // namespace

bool read_file_at(int folder, const char* path, std::string& buffer) {
  const io::owned_fd file(::openat(folder, path, O_RDONLY | O_CLOEXEC));
  return file.get() >= 0 && read_whole(file.get(), buffer);
}

outcome<std::string> read_file(const std::string& path) {
  std::string text;
  if (read_file_at(AT_FDCWD, path.c_str(), text)) return text;
  return fail(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
}

}  // namespace cede::measure::compare
