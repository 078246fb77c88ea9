#include "context/x86_64/exit_duties.hpp"

#include <cstring>

namespace cede::context {

namespace {

constexpr std::byte call_near{0xe8};
constexpr std::byte jump_near{0xe9};
constexpr std::byte jump_short{0xeb};
constexpr std::size_t call_bytes = 5;
// Between the start routine's return and the first call stands a store of its result.
constexpr std::size_t most_bytes_before = 24;
constexpr std::size_t most_bytes_to_specific_used = 32;

std::byte byte_at(const code_bytes& code, std::uintptr_t address) noexcept {
  return code.bytes[address - code.base];
}

template <class Integer>
Integer read(const code_bytes& code, std::uintptr_t address) noexcept {
  Integer value;
  std::memcpy(&value, code.bytes.data() + (address - code.base), sizeof(value));
  return value;
}

// Where the call or jump at `address` goes, if it is one; 0 if not.
std::uintptr_t target_of(const code_bytes& code, std::uintptr_t address,
                         std::byte opcode) noexcept {
  if (!code.holds(address, call_bytes) || byte_at(code, address) != opcode) return 0;
  const auto target =
      address + call_bytes +
      static_cast<std::uintptr_t>(std::intptr_t{read<std::int32_t>(code, address + 1)});
  return code.holds(target) ? target : 0;
}

// The compiler may have put the call of the start routine out of line.
std::uintptr_t after_jump(const code_bytes& code, std::uintptr_t address) noexcept {
  if (const auto target = target_of(code, address, jump_near); target != 0) return target;
  if (code.holds(address, 2) && byte_at(code, address) == jump_short)
    return address + 2 +
           static_cast<std::uintptr_t>(std::intptr_t{read<std::int8_t>(code, address + 1)});
  return address;
}

std::uintptr_t first_call_to(const code_bytes& code, std::uintptr_t from,
                             std::uintptr_t callee) noexcept {
  for (auto address = from; address <= from + most_bytes_before; ++address)
    if (target_of(code, address, call_near) == callee) return address;
  return 0;
}

// __nptl_deallocate_tsd begins by asking whether the thread has ever set a key's value: it reads
// the byte fs:specific_used, which lies right after the array `specific`.
bool reads_specific_used(const code_bytes& code, std::uintptr_t function,
                         std::uint32_t specific_used) noexcept {
  constexpr std::byte fs_prefix{0x64};
  constexpr std::byte absolute{0x25};  // SIB: a displacement and nothing else
  bool prefixed = false;
  for (std::size_t i = 0; i < most_bytes_to_specific_used; ++i) {
    const auto address = function + i;
    if (!code.holds(address, 5)) return false;
    prefixed = prefixed || byte_at(code, address) == fs_prefix;
    if (prefixed && byte_at(code, address) == absolute &&
        read<std::uint32_t>(code, address + 1) == specific_used)
      return true;
  }
  return false;
}

}  // namespace

std::expected<void, std::string> find_exit_duties(const glibc_symbols& symbols,
                                                  const newborn_thread& newborn,
                                                  const code_bytes& code, glibc_layout& layout) {
  const auto call_tls_dtors = reinterpret_cast<std::uintptr_t>(symbols.call_tls_dtors);
  if (!code.holds(call_tls_dtors) || !code.holds(newborn.returns_to))
    return std::unexpected(
        "a thread's start routine is not called by the C library (pthread_create is interposed)");
  auto address = first_call_to(code, after_jump(code, newborn.returns_to), call_tls_dtors);
  if (address == 0)
    return std::unexpected("start_thread does not call __call_tls_dtors where it was looked for");
  layout.exit_duty_count = 0;
  for (; layout.exit_duty_count < layout.exit_duties.size(); address += call_bytes) {
    const auto target = target_of(code, address, call_near);
    if (target == 0) break;
    layout.exit_duties[layout.exit_duty_count++] = reinterpret_cast<void (*)()>(target);
  }
  if (layout.exit_duty_count != 3)
    return std::unexpected("start_thread does not make three calls in a row at a thread's end");
  if (!reads_specific_used(
          code, reinterpret_cast<std::uintptr_t>(layout.exit_duties[1]),
          static_cast<std::uint32_t>(layout.specific + symbols.specific->bits / 8)))
    return std::unexpected("the second call at a thread's end is not __nptl_deallocate_tsd");
  return {};
}

}  // namespace cede::context
