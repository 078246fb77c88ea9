// A preemption before each instruction, one by one: the processor's single-step flag stops there.
#include <gtest/gtest.h>
#include <signal.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/backtrace.hpp"
#include "base/spinlock.hpp"
#include "context/preempt.hpp"
#include "context/registers.hpp"
#include "context/test_preemption.hpp"
#include "context/x86_64/preempt_frame.hpp"

extern "C" {
extern const char cede_preempt_trampoline;
extern const char cede_preempt_trampoline_end;
void cede_context_entry();

// Computes 16 words from 8, with what preemption could break: values in the red zone, in flags, in
// vector and x87 registers, on the stack; repeated and locked instructions.
void cede_test_critical(const std::uint64_t* in, std::uint64_t* out);
extern const char cede_test_critical_end;
}

asm(R"(
        .text
        .globl  cede_test_critical
        .type   cede_test_critical, @function
        .globl  cede_test_critical_end
cede_test_critical:
        .cfi_startproc
        movq    (%rdi), %rax
        movq    8(%rdi), %rcx
        movq    %rax, -8(%rsp)
        movq    %rcx, -120(%rsp)
        movq    %rcx, -128(%rsp)
        addq    %rcx, %rax
        sbbq    %rdx, %rdx
        movq    %rdx, (%rsi)
        stc
        movq    16(%rdi), %rdx
        adcq    24(%rdi), %rdx
        movq    %rdx, 8(%rsi)
        setc    %al
        seto    %ah
        movzwl  %ax, %eax
        movq    %rax, 16(%rsi)
        movq    32(%rdi), %rax
        mulq    40(%rdi)
        movq    %rdx, 24(%rsi)
        movq    %rax, 32(%rsi)
        movdqu  (%rdi), %xmm3
        movdqu  16(%rdi), %xmm4
        pxor    %xmm5, %xmm5
        paddq   %xmm3, %xmm4
        pshufd  $0x4e, %xmm4, %xmm5
        movdqu  %xmm5, 40(%rsi)
        fildll  48(%rdi)
        fildll  56(%rdi)
        fld     %st(1)
        fmulp
        faddp
        fistpll 56(%rsi)
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        movq    (%rdi), %rbx
        pushq   48(%rdi)
        .cfi_adjust_cfa_offset 8
        bswapq  %rbx
        xorq    %rbx, (%rsp)
        popq    64(%rsi)
        .cfi_adjust_cfa_offset -8
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        movq    %rax, -8(%rsp)
        movq    -8(%rsp), %rdx
        xorq    -120(%rsp), %rdx
        rolq    $7, %rdx
        xorq    -128(%rsp), %rdx
        movq    %rdx, 72(%rsi)
        movl    $3, %r8d
        lock xaddq %r8, 72(%rsi)
        movq    %r8, 80(%rsi)
        movq    %rdi, %r10
        movq    %rsi, %r11
        leaq    103(%rsi), %rdi
        leaq    31(%r10), %rsi
        movl    $16, %ecx
        std
        rep movsb
        cld
        movq    %rdi, %rax
        subq    %r11, %rax
        movq    %rax, 104(%r11)
        pushfq
        .cfi_adjust_cfa_offset 8
        popq    %rax
        .cfi_adjust_cfa_offset -8
        andl    $0xcd5, %eax
        movq    %rax, 112(%r11)
        call    1f
        movq    %rax, 120(%r11)
        ret
1:      leaq    1(%rax,%rax,2), %rax
        ret
        .cfi_endproc
cede_test_critical_end:
        .size   cede_test_critical, .-cede_test_critical
)");

namespace cede::context {
namespace {

using testing::preemptible_fiber;

constexpr greg_t trap_flag = 0x100;

std::uintptr_t address(const char& label) { return reinterpret_cast<std::uintptr_t>(&label); }

bool in_critical(std::uintptr_t at) {
  return at >= reinterpret_cast<std::uintptr_t>(&cede_test_critical) &&
         at < address(cede_test_critical_end);
}

bool in_trampoline(std::uintptr_t at) {
  return at >= address(cede_preempt_trampoline) && at < address(cede_preempt_trampoline_end);
}

// One walk through a body. Written by the trap handler.
struct walk {
  std::uint64_t before = ~std::uint64_t{0};  // preempt before this instruction
  std::uint64_t seen = 0;                    // instructions of the body
  bool through_trampoline = false;           // step there too
  bool ends_there = false;                   // step no further
  std::uint64_t steps_in_trampoline = 0;
  std::uint64_t refused = 0;
  std::uint64_t whole_backtraces = 0;
};
walk* present = nullptr;

bool reaches_critical_and_entry(const void* context) {
  std::array<void*, 64> frames{};
  const std::size_t count = base::backtrace::capture_from(context, frames);
  if (count < 3 || count == frames.size()) return false;
  const std::span seen(frames.data(), count);
  const auto last = reinterpret_cast<std::uintptr_t>(seen.back());
  return last - reinterpret_cast<std::uintptr_t>(&cede_context_entry) < 64 &&
         std::ranges::any_of(
             seen,
             [](const void* frame) {
               return in_critical(reinterpret_cast<std::uintptr_t>(frame));
             });
}

void step_in_trampoline(ucontext_t& interrupted) {
  ++present->steps_in_trampoline;
  gregset_t registers;
  std::memcpy(&registers, &interrupted.uc_mcontext.gregs, sizeof(registers));
  const bool refused =
      preemptible_fiber::current->preempt(interrupted) == diversion::in_progress &&
      std::memcmp(&registers, &interrupted.uc_mcontext.gregs, sizeof(registers)) == 0;
  if (refused) ++present->refused;
  if (reaches_critical_and_entry(&interrupted)) ++present->whole_backtraces;
}

void on_trap(int, siginfo_t*, void* context) {
  auto& interrupted = *static_cast<ucontext_t*>(context);
  if (in_trampoline(program_counter(interrupted))) return step_in_trampoline(interrupted);
  if (present->steps_in_trampoline > 0 && !in_critical(program_counter(interrupted))) return;
  if (present->seen++ != present->before) return;
  const greg_t before = interrupted.uc_mcontext.gregs[REG_EFL];
  if (preemptible_fiber::current->preempt(interrupted) != diversion::done) return;
  if (present->through_trampoline) interrupted.uc_mcontext.gregs[REG_EFL] |= before & trap_flag;
}

class preempt_step_by_step : public testing::preemption_test {
 protected:
  void SetUp() override {
    testing::preemption_test::SetUp();
    struct sigaction action{};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_sigaction = on_trap;
    sigaction(SIGTRAP, &action, &previous_);
  }
  void TearDown() override { sigaction(SIGTRAP, &previous_, nullptr); }

  // Runs the body with the flag set and what `how` says; returns the number of preemptions.
  static std::uint64_t take(walk& how, const std::function<void()>& body) {
    preemptible_fiber fiber([&](preemptible_fiber&) {
      __writeeflags(__readeflags() | static_cast<std::uint64_t>(trap_flag));
      body();
      __writeeflags(__readeflags() & ~static_cast<std::uint64_t>(trap_flag));
    });
    fiber.when_preempted = [](preemptible_fiber&) {
      asm volatile(
          "pcmpeqb %%xmm3, %%xmm3\n\tmovdqa %%xmm3, %%xmm4\n\tmovdqa %%xmm3, %%xmm5\n\t"
          "fldpi\n\tfldpi\n\tfldpi\n\tfldpi\n\tfldpi\n\tfldpi\n\tfldpi\n\tfldpi\n\tfninit"
          :
          :
          : "xmm3", "xmm4", "xmm5", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
            "st(7)");
    };
    present = &how;
    fiber.resume();
    present = nullptr;
    return fiber.count(diversion::done);
  }

 private:
  struct sigaction previous_{};
};

constexpr std::array<std::uint64_t, 8> input{0xfedcba9876543210,
                                             0x8f00ff00aa55aa55,
                                             0x7fffffffffffffff,
                                             0x0000000000000001,
                                             0x123456789abcdef0,
                                             0xf0e0d0c0b0a09080,
                                             12345,
                                             678};
using output = std::array<std::uint64_t, 16>;

// The registers that are saved last, next to the red zone, are saved only if they are in use.
void use_last_registers() {
  static const bool there = __builtin_cpu_supports("avx512f") != 0;
  if (there) asm volatile("vpternlogd $0xff, %%zmm31, %%zmm31, %%zmm31" : : : "memory");
}

TEST_F(preempt_step_by_step, critical_code_computes_the_same_preempted_before_any_instruction) {
  output expected{};
  use_last_registers();  // asks the processor, once
  cede_test_critical(input.data(), expected.data());
  walk undisturbed;
  output stepped{};
  EXPECT_EQ(take(undisturbed,
                 [&] {
                   use_last_registers();
                   cede_test_critical(input.data(), stepped.data());
                 }),
            0U);
  ASSERT_EQ(stepped, expected);
  ASSERT_GT(undisturbed.seen, 70U);
  for (std::uint64_t before = 0; before < undisturbed.seen; ++before) {
    walk one{.before = before};
    output got{};
    EXPECT_EQ(take(one,
                   [&] {
                     use_last_registers();
                     cede_test_critical(input.data(), got.data());
                   }),
              1U);
    EXPECT_EQ(got, expected) << "preempted before instruction " << before;
    EXPECT_EQ(one.seen, undisturbed.seen) << "preempted before instruction " << before;
  }
}

TEST_F(preempt_step_by_step, library_code_works_preempted_before_any_instruction) {
  base::spinlock lock;
  const auto body = [&lock] {
    const std::lock_guard guard(lock);
    const auto text = std::make_unique<std::string>(20, 'x');
    if (std::count(text->begin(), text->end(), 'x') != 20) std::abort();
  };
  std::uint64_t before = 0;
  while (true) {
    walk one{.before = before, .ends_there = true};
    if (take(one, body) == 0) break;
    ASSERT_TRUE(lock.try_lock()) << "preempted before instruction " << before;
    lock.unlock();
    ++before;
  }
  EXPECT_GT(before, 100U);
}

TEST_F(preempt_step_by_step, the_trampoline_refuses_a_second_preemption_and_can_be_unwound) {
  output expected{};
  cede_test_critical(input.data(), expected.data());
  // Somewhere in the middle, and between push and pop.
  for (const std::uint64_t before : {20, 30, 37, 39}) {
    walk through{.before = before, .through_trampoline = true};
    output got{};
    EXPECT_EQ(take(through, [&] { cede_test_critical(input.data(), got.data()); }), 1U);
    EXPECT_EQ(got, expected);
    EXPECT_GT(through.steps_in_trampoline, 25U);
    EXPECT_EQ(through.refused, through.steps_in_trampoline);
    EXPECT_EQ(through.whole_backtraces, through.steps_in_trampoline);
  }
}

}  // namespace
}  // namespace cede::context
