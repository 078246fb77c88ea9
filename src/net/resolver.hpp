// Host names to addresses.
#pragma once

#include <cede/endpoint.hpp>
#include <string_view>
#include <vector>

namespace cede::net {

enum class resolve_for : std::uint8_t { connecting, listening };

/// The addresses of `host` in the order to try them, at least one. A numeric address is taken as it
/// is; a name goes to getaddrinfo(3) on a thread of the blocking pool.
/// Errors: cancelled (before the question is asked: the C library's resolver cannot be
/// interrupted); resolver_category(); thread_unavailable; errno. Blocks: fiber or thread.
result<std::vector<endpoint>> resolve(std::string_view host, std::uint16_t port, resolve_for use);

}  // namespace cede::net
