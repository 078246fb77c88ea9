#include "context/preempt.hpp"

#include <cpuid.h>
#include <x86intrin.h>

#include <cerrno>
#include <cstring>

#include "base/sanitizers.hpp"
#include "context/machine.hpp"
#include "context/registers.hpp"
#include "context/valgrind.hpp"
#include "context/x86_64/preempt_frame.hpp"

extern "C" {
extern const char cede_preempt_trampoline;
extern const char cede_preempt_trampoline_end;
[[gnu::visibility("hidden")]] void cede_preempt_enter(
    const cede::context::preempt_frame* frame) noexcept;
}

namespace cede::context {

namespace {

constexpr std::uintptr_t red_zone = 128;
constexpr std::uintptr_t frame_alignment = alignof(preempt_frame);
constexpr std::uint32_t legacy_bytes = 512;
constexpr std::uint32_t header_bytes = 64;

constexpr std::uint64_t trap_flag = 1U << 8;
constexpr std::uint64_t direction_flag = 1U << 10;
constexpr std::uint64_t nested_task_flag = 1U << 14;
constexpr std::uint64_t resume_flag = 1U << 16;
constexpr std::uint64_t alignment_check_flag = 1U << 18;
constexpr std::uint64_t flags_cleared =
    trap_flag | direction_flag | nested_task_flag | resume_flag | alignment_check_flag;

std::uint64_t enabled_components() noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

struct component {
  std::uint32_t bytes;
  std::uint32_t offset;  // in the standard format
  bool aligned;          // to 64 bytes, in the compacted one
};

component describe(std::uint32_t index) noexcept {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
  __cpuid_count(0xd, index, eax, ebx, ecx, edx);
  return {.bytes = eax, .offset = ebx, .aligned = (ecx & 2) != 0};
}

// Source: Intel SDM volume 1, 13.4.3 (extended region of an xsave area).
std::uint32_t area_bytes(std::uint64_t components, bool compacted) noexcept {
  std::uint32_t end = legacy_bytes + header_bytes;
  for (std::uint32_t index = 2; index < 63; ++index) {
    if ((components >> index & 1) == 0) continue;
    const component one = describe(index);
    if (compacted) {
      if (one.aligned) end = (end + 63) & ~63U;
      end += one.bytes;
    } else if (one.offset + one.bytes > end) {
      end = one.offset + one.bytes;
    }
  }
  return end;
}

extended_state look_at_processor() noexcept {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_OSXSAVE) == 0) return {};
  if (__get_cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx) == 0) return {};
  constexpr std::uint32_t has_xsavec = 1U << 1;
  extended_state found;
  found.compacted = (eax & has_xsavec) != 0;
  found.components = enabled_components() & ~(pkru_component | amx_components);
  found.bytes = area_bytes(found.components, found.compacted);
  return found;
}

std::uintptr_t address(const char& label) noexcept {
  return reinterpret_cast<std::uintptr_t>(&label);
}

bool in_trampoline(std::uintptr_t at) noexcept {
  return at >= address(cede_preempt_trampoline) && at < address(cede_preempt_trampoline_end);
}

// The kernel's signal set has eight bytes, glibc's sixteen times as many: those behind are other
// parts of the signal frame.
bool same_mask(const sigset_t& a, const sigset_t& b) noexcept {
  constexpr std::size_t kernel_bytes = (NSIG - 1) / 8;
  static_assert(kernel_bytes == 8);
  return std::memcmp(&a, &b, kernel_bytes) == 0;
}

// The signal frame has an xsave area, whose header says which components were in use.
// Source: Linux, arch/x86/include/uapi/asm/sigcontext.h.
bool only_kept_in_use(const ucontext_t& interrupted, std::uint64_t kept) noexcept {
  const auto* const area = reinterpret_cast<const std::byte*>(interrupted.uc_mcontext.fpregs);
  if (area == nullptr) return false;
  _fpx_sw_bytes description;
  std::memcpy(&description, area + legacy_bytes - sizeof(description), sizeof(description));
  if (description.magic1 != FP_XSTATE_MAGIC1) return false;
  std::uint64_t in_use = 0;
  std::memcpy(&in_use, area + legacy_bytes, sizeof(in_use));
  return (in_use & ~(kept | pkru_component)) == 0;
}

void describe_interrupted(preempt_frame& frame, const gregset_t& registers) noexcept {
  const auto value = [&](int which) { return static_cast<std::uint64_t>(registers[which]); };
  frame.rip = value(REG_RIP);
  frame.cs = value(REG_CSGSFS) & 0xffff;
  frame.ss = value(REG_CSGSFS) >> 48;
  frame.rflags = value(REG_EFL);
  frame.rsp = value(REG_RSP);
  frame.r8 = value(REG_R8);
  frame.r9 = value(REG_R9);
  frame.r10 = value(REG_R10);
  frame.r11 = value(REG_R11);
  frame.r12 = value(REG_R12);
  frame.r13 = value(REG_R13);
  frame.r14 = value(REG_R14);
  frame.r15 = value(REG_R15);
  frame.rdi = value(REG_RDI);
  frame.rsi = value(REG_RSI);
  frame.rbp = value(REG_RBP);
  frame.rbx = value(REG_RBX);
  frame.rdx = value(REG_RDX);
  frame.rax = value(REG_RAX);
  frame.rcx = value(REG_RCX);
}

// Before and after the call the thread may be another, and so errno's address; a compiler may take
// the address for constant within one function.
[[gnu::noinline]] int current_errno() noexcept {
  asm volatile("" : : : "memory");
  return errno;
}

[[gnu::noinline]] void restore_errno(int value) noexcept {
  errno = value;
  asm volatile("" : : : "memory");
}

// A handler inherits the alignment check of the code that it interrupted, and compiled code reads
// words in pairs that need not be aligned.
void allow_unaligned_accesses() noexcept {
  const std::uint64_t flags = __readeflags();
  if ((flags & alignment_check_flag) != 0) __writeeflags(flags & ~alignment_check_flag);
}

const char* find_obstacle() noexcept {
  if (CEDE_TSAN) return "ThreadSanitizer runs signal handlers late, so nothing can be preempted";
  if (CEDE_ASAN)
    return "AddressSanitizer marks stack memory where the program does not expect it, so nothing "
           "is "
           "preempted in its builds";
  if (under_valgrind()) return "valgrind does not show handlers the interrupted registers";
  if (const char* const obstacle = obstacle_to_switching()) return obstacle;
  if (kept_extended_state().bytes == 0)
    return "the processor or the system lacks xsave, which preemption needs";
  return nullptr;
}

}  // namespace

extended_state kept_extended_state() noexcept {
  static const extended_state found = look_at_processor();
  return found;
}

std::size_t room_for_preemption() noexcept {
  const std::size_t area = kept_extended_state().bytes;
  if (area == 0) return 0;
  return red_zone + frame_alignment + sizeof(preempt_frame) + area + entry_allowance;
}

const char* obstacle_to_preemption() noexcept {
  static const char* const obstacle = find_obstacle();
  return obstacle;
}

namespace {

// Apart, so that nothing of it is moved before the alignment check is off.
[[gnu::noinline]] diversion divert_anyhow(ucontext_t& interrupted, preemptible_stack stack,
                                          const sigset_t& usual_mask, void (*entry)(void* argument),
                                          void* argument) noexcept {
  const extended_state kept = kept_extended_state();
  if (kept.bytes == 0) return diversion::unsupported;
  const std::uintptr_t sp = stack_pointer(interrupted);
  const auto bottom = reinterpret_cast<std::uintptr_t>(stack.bottom);
  if (sp < bottom || sp > reinterpret_cast<std::uintptr_t>(stack.top))
    return diversion::other_stack;
  if (in_trampoline(program_counter(interrupted))) return diversion::in_progress;
  if (sp - bottom < room_for_preemption()) return diversion::no_room;
  if (!same_mask(interrupted.uc_sigmask, usual_mask)) return diversion::changed_mask;
  if (!only_kept_in_use(interrupted, kept.components)) return diversion::kept_registers;

  const std::uintptr_t place =
      (sp - red_zone - kept.bytes - sizeof(preempt_frame)) & ~(frame_alignment - 1);
  auto& frame = *reinterpret_cast<preempt_frame*>(place);
  gregset_t& registers = interrupted.uc_mcontext.gregs;
  describe_interrupted(frame, registers);
  frame.entry = entry;
  frame.argument = argument;
  frame.components = kept.components;
  frame.compacted = kept.compacted ? 1 : 0;
  // xsave writes but some of the header, and xrstor refuses one with other bits.
  std::memset(reinterpret_cast<std::byte*>(&frame + 1) + legacy_bytes, 0, header_bytes);

  set_program_counter(interrupted, address(cede_preempt_trampoline));
  registers[REG_RSP] = static_cast<greg_t>(place);
  registers[REG_EFL] &= ~static_cast<greg_t>(flags_cleared);
  return diversion::done;
}

}  // namespace

diversion divert(ucontext_t& interrupted, preemptible_stack stack, const sigset_t& usual_mask,
                 void (*entry)(void* argument), void* argument) noexcept {
  allow_unaligned_accesses();
  return divert_anyhow(interrupted, stack, usual_mask, entry, argument);
}

}  // namespace cede::context

extern "C" void cede_preempt_enter(const cede::context::preempt_frame* frame) noexcept {
  const int kept = cede::context::current_errno();
  frame->entry(frame->argument);
  cede::context::restore_errno(kept);
}
