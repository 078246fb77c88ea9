#include "net/resolver.hpp"

#include <netdb.h>

#include <cede/blocking.hpp>
#include <cerrno>
#include <memory>
#include <system_error>

#include "net/socket_address.hpp"
#include "sched/parking.hpp"

namespace cede {
namespace {

class resolver_errors final : public std::error_category {
 public:
  const char* name() const noexcept override { return "cede.resolver"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

}  // namespace

const std::error_category& resolver_category() noexcept {
  static const resolver_errors one;
  return one;
}

namespace net {
namespace {

struct answer_deleter {
  void operator()(addrinfo* a) const noexcept { ::freeaddrinfo(a); }
};
using answer = std::unique_ptr<addrinfo, answer_deleter>;

result<answer> ask(const std::string& host, resolve_for use) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = use == resolve_for::listening ? AI_PASSIVE : AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code == EAI_SYSTEM) return failure_from(errno);
  if (code != 0) return std::unexpected(std::error_code(code, resolver_category()));
  return answer(found);
}

endpoint with_port(const endpoint& e, std::uint16_t port) noexcept {
  return {e.is_v4() ? endpoint::family::v4 : endpoint::family::v6, e.bytes(), port, e.scope()};
}

result<std::vector<endpoint>> addresses_in(const addrinfo* list, std::uint16_t port) {
  std::vector<endpoint> all;
  for (; list != nullptr; list = list->ai_next)
    if (const auto one = endpoint_from(list->ai_addr)) all.push_back(with_port(*one, port));
  if (all.empty()) return std::unexpected(std::error_code(EAI_NONAME, resolver_category()));
  return all;
}

}  // namespace

result<std::vector<endpoint>> resolve(std::string_view host, std::uint16_t port, resolve_for use) {
  if (const auto numeric = endpoint::from_address(host, port)) return std::vector{*numeric};
  if (host.empty() || host.find('\0') != std::string_view::npos)
    return failure(errc::invalid_argument);
  if (sched::current().cancel_requested()) return failure(errc::cancelled);
  try {
    auto found = blocking([name = std::string(host), use] { return ask(name, use); });
    if (!found) return std::unexpected(found.error());
    return addresses_in(found->get(), port);
  } catch (const std::system_error& no_thread) {
    return std::unexpected(no_thread.code());
  }
}

}  // namespace net
}  // namespace cede
