// Which word somebody may have meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cede::cli {

/// The word that `text` is a likely slip of: at most half of its letters differ. Nothing if none
/// is that near.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view text,
                                                      std::span<const std::string_view> words);

/// "did you mean 'epoll'?" if one is near, else "use one of: auto, epoll, io_uring".
[[nodiscard]] std::string suggest(std::string_view text, std::span<const std::string_view> words);

}  // namespace cede::cli
