#include "cli/version.hpp"

namespace cede::cli {

std::string_view version() noexcept { return CEDE_VERSION; }

}  // namespace cede::cli
