// What to do about an operating error: the line for the user.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace cede::cli {

/// "cannot listen on 127.0.0.1:80: Permission denied; choose ..."
[[nodiscard]] std::string cannot_listen(std::string_view host, std::uint16_t port,
                                        std::error_code why);

/// The end of a line about any other error: its message and, where we know, what to do.
[[nodiscard]] std::string because(std::error_code why);

}  // namespace cede::cli
