#include "context/x86_64/glibc_layout.hpp"

#include <link.h>

#include <cstring>

#include "context/x86_64/exit_duties.hpp"

namespace cede::context {

namespace {

constexpr std::uint64_t attribute_is_user_stack = 0x0008;  // ATTR_FLAG_STACKADDR
constexpr std::uint64_t attribute_bits = 0x00ff;
constexpr std::size_t robust_head_bytes = 24;
constexpr std::size_t rseq_bytes = 32;
constexpr std::size_t event_buffer_bytes = 32;

// Collects what can be deduced, or the first thing that did not fit.
class deduction {
 public:
  deduction(const glibc_symbols& symbols, const newborn_thread& newborn)
      : symbols_(symbols), newborn_(newborn), explained_(newborn.words.size(), false) {}

  std::expected<glibc_layout, std::string> run(const code_bytes& code) {
    sizes();
    header();
    described_fields();
    robust_list();
    scanned_fields();
    resolver();
    restartable_sequences();
    nothing_unexplained();
    if (!wrong_.empty()) return std::unexpected(wrong_);
    if (auto duties = find_exit_duties(symbols_, newborn_, code, layout_); !duties)
      return std::unexpected(duties.error());
    return layout_;
  }

 private:
  bool expect(bool holds, std::string what) {
    if (!holds && wrong_.empty()) wrong_ = std::move(what);
    return holds;
  }

  bool inside(std::size_t offset, std::size_t bytes) const noexcept {
    const std::size_t size = newborn_.words.size() * 8;
    return bytes <= size && offset <= size - bytes;
  }

  std::uint64_t word(std::size_t offset) const noexcept {
    if (!inside(offset, 8)) return 0;
    std::uint64_t value;
    std::memcpy(&value, reinterpret_cast<const std::byte*>(newborn_.words.data()) + offset, 8);
    return value;
  }
  std::uint32_t half(std::size_t offset) const noexcept {
    return inside(offset, 4)
               ? static_cast<std::uint32_t>(word(offset & ~std::size_t{7}) >> (offset & 4) * 8)
               : 0;
  }
  std::uint64_t address_of(std::size_t offset) const noexcept {
    return newborn_.thread_pointer + offset;
  }
  void explain(std::size_t offset, std::size_t bytes) noexcept {
    for (std::size_t i = offset / 8; i < explained_.size() && i * 8 < offset + bytes; ++i)
      explained_[i] = true;
  }

  void sizes() {
    layout_.pthread_bytes = *symbols_.sizeof_pthread;
    symbols_.get_tls_static_info(&layout_.static_bytes, &layout_.alignment);
    const std::size_t alignment = layout_.alignment;
    if (!expect(alignment >= 16 && alignment <= 4096 && (alignment & (alignment - 1)) == 0 &&
                    layout_.static_bytes > layout_.pthread_bytes &&
                    layout_.static_bytes <= (std::size_t{1} << 20),
                "_dl_get_tls_static_info answers an impossible size or alignment"))
      return;
    const auto top = newborn_.stack_low + newborn_.stack_bytes - layout_.pthread_bytes;
    expect((top & ~(alignment - 1)) == newborn_.thread_pointer,
           "a thread's control block does not lie at the top of its stack");
  }

  void header() {
    using l = glibc_layout;
    expect(
        word(l::self) == newborn_.thread_pointer && word(l::self_again) == newborn_.thread_pointer,
        "a thread's control block does not hold its own address at 0 and 0x10");
    expect(symbols_.dtv->offset == l::dtv && symbols_.dtv->bits == 64 && word(l::dtv) != 0,
           "_thread_db_pthread_dtvp is not at 8");
    expect(half(l::multiple_threads) == 1, "multiple_threads is not 1 at 0x18");
    expect(word(l::stack_guard) == newborn_.creators_guards[0],
           "the stack guard is not copied at 0x28");
    expect(word(l::pointer_guard) == newborn_.creators_guards[1],
           "the pointer guard is not copied at 0x30");
    expect(half(l::features) == newborn_.creators_features,
           "the control-flow features are not copied at 0x48");
    explain(0, 0x20);
    explain(l::stack_guard, 16);
    explain(l::features, 4);
  }

  void described_fields() {
    layout_.list = described(symbols_.list, 128, "_thread_db_pthread_list");
    expect(word(layout_.list) != 0 && word(layout_.list + 8) != 0,
           "a thread is on no list at _thread_db_pthread_list");
    layout_.tid = described(symbols_.tid, 32, "_thread_db_pthread_tid");
    expect(half(layout_.tid) == static_cast<std::uint32_t>(newborn_.tid),
           "a thread's tid is not at _thread_db_pthread_tid");
    const auto cancel =
        described(symbols_.cancel_handling, 32, "_thread_db_pthread_cancelhandling");
    layout_.flags = cancel + 4;
    const auto flags = half(layout_.flags);
    expect(half(cancel) == 0 && (flags & attribute_is_user_stack) != 0 &&
               (flags & ~attribute_bits) == 0,
           "a thread's flags do not follow _thread_db_pthread_cancelhandling");
    layout_.cleanup_buffer = cancel - 8;
    expect(on_newborns_stack(word(layout_.cleanup_buffer)),
           "cleanup_jmp_buf does not precede _thread_db_pthread_cancelhandling");
    explain(layout_.cleanup_buffer, 16);
    layout_.specific = described(symbols_.specific, 2048, "_thread_db_pthread_specific");
    layout_.first_specific = word(layout_.specific) - newborn_.thread_pointer;
    expect(layout_.first_specific == layout_.specific - 512,
           "the first block of specific data is not at the front of _thread_db_pthread_specific");
    const auto events = described(symbols_.report_events, 8, "_thread_db_pthread_report_events");
    layout_.user_stack = events + 1;
    expect((half(layout_.user_stack & ~std::size_t{3}) >> (layout_.user_stack & 3) * 8 & 0xff) == 1,
           "user_stack does not follow _thread_db_pthread_report_events");
    // Not set in a block, and not zero where a program has set them for the creating thread.
    explain(described(symbols_.start_routine, 64, "_thread_db_pthread_start_routine"), 16);
    explain(described(symbols_.sched_policy, 32, "_thread_db_pthread_schedpolicy") - 4, 8);
    explain(symbols_.event_buffer->offset, event_buffer_bytes);
  }

  std::size_t described(const field_place* place, std::uint32_t bits, const char* name) {
    if (!expect(place->bits == bits && place->count == 1 && inside(place->offset, bits / 8),
                std::string(name) + " describes no field of the expected size"))
      return 0;
    explain(place->offset, bits == 2048 ? 8 : bits / 8);
    return place->offset;
  }

  bool on_newborns_stack(std::uint64_t address) const noexcept {
    return address - newborn_.stack_low < newborn_.stack_bytes;
  }

  void robust_list() {
    layout_.robust_head = newborn_.robust_head - newborn_.thread_pointer;
    if (!expect(newborn_.robust_head > newborn_.thread_pointer && layout_.robust_head >= 8 &&
                    inside(layout_.robust_head, robust_head_bytes),
                "get_robust_list answers no address in the control block"))
      return;
    layout_.robust_offset = word(layout_.robust_head + 8);
    expect(word(layout_.robust_head) == newborn_.robust_head &&
               word(layout_.robust_head - 8) == newborn_.robust_head &&
               word(layout_.robust_head + 16) == 0 &&
               static_cast<std::int64_t>(layout_.robust_offset) < 0 &&
               static_cast<std::int64_t>(layout_.robust_offset) >= -64,
           "a thread's robust list is not empty");
    explain(layout_.robust_head - 8, 8 + robust_head_bytes);
  }

  void scanned_fields() {
    layout_.join_id = newborn_.join_id_at;
    expect(layout_.join_id != 0 && inside(layout_.join_id, 8),
           "pthread_detach does not set one word to the thread itself");
    std::size_t found = 0;
    for (std::size_t i = 0; i + 1 < newborn_.words.size(); ++i)
      if (newborn_.words[i] == newborn_.stack_low &&
          newborn_.words[i + 1] == newborn_.stack_bytes) {
        ++found;
        layout_.stack_block = i * 8;
      }
    expect(found == 1, "a thread's stack is not described once in its control block");
    explain(layout_.stack_block, 16);
  }

  void resolver() {
    layout_.resolver_state = newborn_.resolver_state - newborn_.thread_pointer;
    expect(newborn_.resolver_state > newborn_.thread_pointer &&
               inside(layout_.resolver_state, sizeof(void*)),
           "__res_state answers no address in the control block");
    layout_.resolver_pointer =
        static_cast<std::ptrdiff_t>(newborn_.resolver_pointer - newborn_.thread_pointer);
    expect(newborn_.resolver_pointer != 0 && inside_block(layout_.resolver_pointer, 8),
           "__resp is not in static TLS");
  }

  bool inside_block(std::ptrdiff_t offset, std::size_t bytes) const noexcept {
    const auto low = -static_cast<std::ptrdiff_t>(layout_.static_bytes - layout_.pthread_bytes);
    return offset >= low && offset + static_cast<std::ptrdiff_t>(bytes) <=
                                static_cast<std::ptrdiff_t>(layout_.pthread_bytes);
  }

  void restartable_sequences() {
    layout_.rseq = *symbols_.rseq_offset;
    if (!expect(inside_block(layout_.rseq, rseq_bytes) && layout_.rseq % 4 == 0,
                "__rseq_offset is not in a thread's block"))
      return;
    if (layout_.rseq >= 0) explain(static_cast<std::size_t>(layout_.rseq), rseq_bytes);
  }

  // Last: a field of a newer glibc that starts as anything but zero would be missed in a block.
  void nothing_unexplained() {
    for (std::size_t i = 0; i < explained_.size(); ++i) {
      const auto value = newborn_.words[i];
      if (explained_[i] || value == 0 || value == newborn_.signal_mask) continue;
      char text[96];
      std::snprintf(text, sizeof(text),
                    "the control block of a thread has an unknown field at 0x%zx", i * 8);
      expect(false, text);
    }
  }

  const glibc_symbols& symbols_;
  const newborn_thread& newborn_;
  std::vector<bool> explained_;
  glibc_layout layout_;
  std::string wrong_;
};

struct code_search {
  std::uintptr_t address;
  code_bytes found;
};

int look_into_object(dl_phdr_info* object, std::size_t, void* argument) {
  auto& search = *static_cast<code_search*>(argument);
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    constexpr auto wanted = PF_R | PF_X;
    if (segment.p_type != PT_LOAD || (segment.p_flags & wanted) != wanted) continue;
    const auto begin = object->dlpi_addr + segment.p_vaddr;
    if (search.address - begin >= segment.p_memsz) continue;
    search.found = {begin, {reinterpret_cast<const std::byte*>(begin), segment.p_memsz}};
    return 1;
  }
  return 0;
}

}  // namespace

code_bytes code_around(const void* address) {
  code_search search{reinterpret_cast<std::uintptr_t>(address), {}};
  dl_iterate_phdr(&look_into_object, &search);
  return search.found;
}

std::expected<glibc_layout, std::string> deduce_layout(const glibc_symbols& symbols,
                                                       const newborn_thread& newborn,
                                                       const code_bytes& code) {
  return deduction(symbols, newborn).run(code);
}

}  // namespace cede::context
