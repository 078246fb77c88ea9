// x86-64: what a preempted control flow leaves on its stack. The layout is shared with preempt.S,
// which has the offsets as numbers; the assertions below hold them together.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cede::context {

// Which registers xsave keeps, and how.
struct extended_state {
  std::uint64_t components = 0;  // the instruction's mask
  std::uint32_t bytes = 0;       // of the area, 0: no xsave here
  bool compacted = false;        // xsavec, which skips what is unused; else xsave
};

// Those that the system enabled, but for PKRU, which belongs to the thread, and AMX tiles, 8 KiB
// that only a stretch of code between ldtilecfg and tilerelease needs.
extended_state kept_extended_state() noexcept;

// Components that the system enabled and that are kept by nobody, to be unused at a preemption.
inline constexpr std::uint64_t pkru_component = std::uint64_t{1} << 9;
inline constexpr std::uint64_t amx_components = std::uint64_t{3} << 17;

// Lies at the trampoline's stack pointer. The first five words are what iretq pops.
struct alignas(64) preempt_frame {
  std::uint64_t rip;
  std::uint64_t cs;
  std::uint64_t rflags;
  std::uint64_t rsp;
  std::uint64_t ss;
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx;
  void (*entry)(void* argument);
  void* argument;
  std::uint64_t components;
  std::uint64_t compacted;
  // Followed by the xsave area.
};

static_assert(offsetof(preempt_frame, rip) == 0);
static_assert(offsetof(preempt_frame, cs) == 8);
static_assert(offsetof(preempt_frame, rflags) == 16);
static_assert(offsetof(preempt_frame, rsp) == 24);
static_assert(offsetof(preempt_frame, ss) == 32);
static_assert(offsetof(preempt_frame, r8) == 40);
static_assert(offsetof(preempt_frame, r9) == 48);
static_assert(offsetof(preempt_frame, r10) == 56);
static_assert(offsetof(preempt_frame, r11) == 64);
static_assert(offsetof(preempt_frame, r12) == 72);
static_assert(offsetof(preempt_frame, r13) == 80);
static_assert(offsetof(preempt_frame, r14) == 88);
static_assert(offsetof(preempt_frame, r15) == 96);
static_assert(offsetof(preempt_frame, rdi) == 104);
static_assert(offsetof(preempt_frame, rsi) == 112);
static_assert(offsetof(preempt_frame, rbp) == 120);
static_assert(offsetof(preempt_frame, rbx) == 128);
static_assert(offsetof(preempt_frame, rdx) == 136);
static_assert(offsetof(preempt_frame, rax) == 144);
static_assert(offsetof(preempt_frame, rcx) == 152);
static_assert(offsetof(preempt_frame, components) == 176);
static_assert(offsetof(preempt_frame, compacted) == 184);
static_assert(sizeof(preempt_frame) == 192);

}  // namespace cede::context
