// Files under /proc, which are written while they are read and have no size.
#pragma once

#include <string>

#include "measure/compare/outcome.hpp"

namespace cede::measure::compare {

/// The whole file. Errors: one line that names it and why it cannot be read.
[[nodiscard]] outcome<std::string> read_file(const std::string& path);

/// The file below the folder that `folder` is open for, into `buffer`, whose memory is kept for the
/// next. False: it is not there, or not any more.
[[nodiscard]] bool read_file_at(int folder, const char* path, std::string& buffer);

}  // namespace cede::measure::compare
