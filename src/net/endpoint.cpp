#include <arpa/inet.h>
#include <net/if.h>

#include <cede/endpoint.hpp>
#include <charconv>
#include <cstring>

namespace cede {
namespace {

// A zero-terminated copy; false if it is longer than any address.
template <std::size_t Size>
bool copy_terminated(std::string_view text, std::array<char, Size>& to) noexcept {
  if (text.size() >= Size || text.find('\0') != std::string_view::npos) return false;
  std::memcpy(to.data(), text.data(), text.size());
  to[text.size()] = '\0';
  return true;
}

template <class Number>
bool parse_number(std::string_view text, Number& value) noexcept {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// Of "%eth0" or "%2"; 0 if there is no such interface.
std::uint32_t parse_scope(std::string_view name) noexcept {
  std::uint32_t number = 0;
  if (parse_number(name, number)) return number;
  std::array<char, IF_NAMESIZE> terminated;
  return copy_terminated(name, terminated) ? ::if_nametoindex(terminated.data()) : 0;
}

result<endpoint> parse_v6(std::string_view address, std::uint16_t port) noexcept {
  const std::size_t percent = address.find('%');
  std::uint32_t scope = 0;
  if (percent != std::string_view::npos) {
    scope = parse_scope(address.substr(percent + 1));
    if (scope == 0) return failure(errc::invalid_argument);
  }
  std::array<char, INET6_ADDRSTRLEN> text;
  std::array<std::uint8_t, 16> bytes{};
  if (!copy_terminated(address.substr(0, percent), text) ||
      ::inet_pton(AF_INET6, text.data(), bytes.data()) != 1)
    return failure(errc::invalid_argument);
  return endpoint(endpoint::family::v6, bytes, port, scope);
}

result<endpoint> parse_v4(std::string_view address, std::uint16_t port) noexcept {
  std::array<char, INET_ADDRSTRLEN> text;
  std::array<std::uint8_t, 16> bytes{};
  if (!copy_terminated(address, text) || ::inet_pton(AF_INET, text.data(), bytes.data()) != 1)
    return failure(errc::invalid_argument);
  return endpoint(endpoint::family::v4, bytes, port);
}

// Where host and port are divided; nothing if the text has not that shape.
struct parts {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
};

result<parts> divide(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return failure(errc::invalid_argument);
  parts found{.host = text.substr(0, colon), .port = text.substr(colon + 1)};
  if (found.host.starts_with('[') && found.host.ends_with(']')) {
    found.host = found.host.substr(1, found.host.size() - 2);
    found.bracketed = true;
  }
  return found;
}

}  // namespace

result<endpoint> endpoint::from_address(std::string_view address, std::uint16_t port) {
  return address.find(':') == std::string_view::npos ? parse_v4(address, port)
                                                     : parse_v6(address, port);
}

result<endpoint> endpoint::parse(std::string_view text) {
  const auto found = divide(text);
  std::uint16_t port = 0;
  if (!found || !parse_number(found->port, port)) return failure(errc::invalid_argument);
  return found->bracketed ? parse_v6(found->host, port) : parse_v4(found->host, port);
}

std::string endpoint::address() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  std::string address = text.data();
  if (scope_ != 0) address += '%' + std::to_string(scope_);
  return address;
}

std::string endpoint::to_string() const {
  const std::string host = is_v4() ? address() : '[' + address() + ']';
  return host + ':' + std::to_string(port_);
}

}  // namespace cede
