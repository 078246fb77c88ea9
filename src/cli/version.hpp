// Which version this is.
#pragma once

#include <string_view>

namespace cede::cli {

/// "0.1.0", as CMakeLists.txt has it.
std::string_view version() noexcept;

}  // namespace cede::cli
