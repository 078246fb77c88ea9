// Whether every register survives preemptions at any instruction, and what the called function
// finds.
//
// The loops below are assembly: they hold known values in all registers at once, call nothing, and
// end when the preempting function says so, which leaves other values in every register it can.
//
// One long file: each test puts values of its own into registers by assembly, and all are held
// against the same record of a diversion and its steps, which splitting would spread over files.
#include "context/preempt.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <unwind.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "base/signals.hpp"
#include "context/registers.hpp"
#include "context/test_preemption.hpp"
#include "context/x86_64/fp_control.hpp"
#include "context/x86_64/preempt_frame.hpp"

namespace {

// All that a loop holds. Offsets are known to the assembly.
struct register_image {
  std::array<std::uint64_t, 15> general;  // rax rbx rcx rdx rsi rdi rbp r8 ... r15
  std::uint64_t flags;
  std::array<std::uint64_t, 16> red_zone;
  std::array<std::array<std::uint8_t, 64>, 32> vectors;
  std::array<std::uint64_t, 8> masks;
  std::array<std::array<std::uint8_t, 16>, 8> x87;
  std::uint32_t mxcsr;
  std::uint16_t control;
};
static_assert(offsetof(register_image, flags) == 120);
static_assert(offsetof(register_image, red_zone) == 128);
static_assert(offsetof(register_image, vectors) == 256);
static_assert(offsetof(register_image, masks) == 2304);
static_assert(offsetof(register_image, x87) == 2368);
static_assert(offsetof(register_image, mxcsr) == 2496);
static_assert(offsetof(register_image, control) == 2500);

}  // namespace

extern "C" {
const register_image* cede_test_in;
register_image* cede_test_out;
volatile std::uint64_t cede_test_stop;
std::uint64_t cede_test_saved_rdi;

void cede_test_spin_sse();
extern const char cede_test_loop_sse;
void cede_test_spin_avx();
void cede_test_spin_avx512();
void cede_test_load_sse(const register_image*);
void cede_test_load_avx(const register_image*);
void cede_test_load_avx512(const register_image*);
void cede_test_add(std::uint64_t* to, const std::uint64_t* from, std::uint64_t words);
void cede_test_copy_backwards(std::uint8_t* to_last, const std::uint8_t* from_last,
                              std::uint64_t bytes);
}

// The loop loads its condition into rcx and tests it by jrcxz, which changes no flag.
asm(R"(
        .text
        .macro  cede_test_vectors move, kind, from
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \move   256+64*\n(\from), %\kind\n
        .endr
        .endm
        .macro  cede_test_store_vectors move, kind, to
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \move   %\kind\n, 256+64*\n(\to)
        .endr
        .endm
        .macro  cede_test_upper_vectors from
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        vmovdqu64 256+64*\n(\from), %zmm\n
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        kmovw   2304+8*\n(\from), %k\n
        .endr
        .endm
        .macro  cede_test_store_upper_vectors to
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        vmovdqu64 %zmm\n, 256+64*\n(\to)
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        kmovw   %k\n, 2304+8*\n(\to)
        .endr
        .endm

        .macro  cede_test_load name, move, kind, wide
        .globl  cede_test_load_\name
        .type   cede_test_load_\name, @function
cede_test_load_\name:
        cede_test_vectors \move, \kind, %rdi
        .if     \wide
        cede_test_upper_vectors %rdi
        .endif
        fninit
        .irp    n, 7, 6, 5, 4, 3, 2, 1, 0
        fldt    2368+16*\n(%rdi)
        .endr
        ldmxcsr 2496(%rdi)
        fldcw   2500(%rdi)
        ret
        .size   cede_test_load_\name, .-cede_test_load_\name
        .endm
        cede_test_load sse, movups, xmm, 0
        cede_test_load avx, vmovups, ymm, 0
        cede_test_load avx512, vmovdqu64, zmm, 1

        .macro  cede_test_spin name, move, kind, wide
        .globl  cede_test_spin_\name
        .type   cede_test_spin_\name, @function
cede_test_spin_\name:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    cede_test_in(%rip), %rdi
        call    cede_test_load_\name
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
        movq    128+8*\n(%rdi), %rax
        movq    %rax, -128+8*\n(%rsp)
        .endr
        pushq   120(%rdi)
        popfq
        movq    128+8*15(%rdi), %rax
        movq    %rax, -8(%rsp)
        movq    0(%rdi), %rax
        movq    8(%rdi), %rbx
        movq    24(%rdi), %rdx
        movq    32(%rdi), %rsi
        movq    48(%rdi), %rbp
        movq    56(%rdi), %r8
        movq    64(%rdi), %r9
        movq    72(%rdi), %r10
        movq    80(%rdi), %r11
        movq    88(%rdi), %r12
        movq    96(%rdi), %r13
        movq    104(%rdi), %r14
        movq    112(%rdi), %r15
        movq    40(%rdi), %rdi
        .globl  cede_test_loop_\name
cede_test_loop_\name:
        movq    cede_test_stop(%rip), %rcx
        jrcxz   cede_test_loop_\name
        movq    %rdi, cede_test_saved_rdi(%rip)
        movq    cede_test_out(%rip), %rdi
        movq    %rax, 0(%rdi)
        movq    %rbx, 8(%rdi)
        movq    %rdx, 24(%rdi)
        movq    %rsi, 32(%rdi)
        movq    %rbp, 48(%rdi)
        movq    %r8, 56(%rdi)
        movq    %r9, 64(%rdi)
        movq    %r10, 72(%rdi)
        movq    %r11, 80(%rdi)
        movq    %r12, 88(%rdi)
        movq    %r13, 96(%rdi)
        movq    %r14, 104(%rdi)
        movq    %r15, 112(%rdi)
        movq    cede_test_saved_rdi(%rip), %rax
        movq    %rax, 40(%rdi)
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movq    -128+8*\n(%rsp), %rax
        movq    %rax, 128+8*\n(%rdi)
        .endr
        pushfq
        popq    120(%rdi)
        pushq   $0x202
        popfq
        cede_test_store_vectors \move, \kind, %rdi
        .if     \wide
        cede_test_store_upper_vectors %rdi
        .endif
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        fstpt   2368+16*\n(%rdi)
        .endr
        stmxcsr 2496(%rdi)
        fnstcw  2500(%rdi)
        fninit
        fldcw   4(%rsp)
        ldmxcsr (%rsp)
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret
        .size   cede_test_spin_\name, .-cede_test_spin_\name
        .endm
        cede_test_spin sse, movups, xmm, 0
        cede_test_spin avx, vmovups, ymm, 0
        cede_test_spin avx512, vmovdqu64, zmm, 1

        .globl  cede_test_add
        .type   cede_test_add, @function
cede_test_add:                          # the carry lives from word to word
        clc
1:      movq    (%rsi), %rax
        adcq    %rax, (%rdi)
        leaq    8(%rsi), %rsi
        leaq    8(%rdi), %rdi
        decq    %rdx
        jnz     1b
        ret
        .size   cede_test_add, .-cede_test_add

        .globl  cede_test_copy_backwards
        .type   cede_test_copy_backwards, @function
cede_test_copy_backwards:
        movq    %rdi, %r8
        subq    %rdx, %r8
        movq    %rdx, %rcx
        shrq    $1, %rcx
        std
        rep movsb
1:      movsb                           # and one by one, so that the flag lives in a loop too
        cmpq    %r8, %rdi
        ja      1b
        cld
        ret
        .size   cede_test_copy_backwards, .-cede_test_copy_backwards
)");

namespace cede::context {
namespace {

using testing::kicker;
using testing::preemptible_fiber;

__extension__ typedef unsigned __int128 unsigned_128;

constexpr std::uint64_t preemptions = 1000;

constexpr std::uint64_t carry = 1;
constexpr std::uint64_t parity = 1 << 2;
constexpr std::uint64_t adjust = 1 << 4;
constexpr std::uint64_t zero = 1 << 6;
constexpr std::uint64_t sign = 1 << 7;
constexpr std::uint64_t direction = 1 << 10;
constexpr std::uint64_t overflow = 1 << 11;
constexpr std::uint64_t alignment_check = 1 << 18;
constexpr std::uint64_t always_set = 0x202;

register_image random_image(std::uint32_t seed) {
  std::mt19937_64 random(seed);
  register_image image{};
  for (auto& value : image.general) value = random();
  for (auto& value : image.red_zone) value = random();
  for (auto& vector : image.vectors)
    for (auto& byte : vector) byte = static_cast<std::uint8_t>(random());
  for (auto& mask : image.masks) mask = random() & 0xffff;
  for (auto& value : image.x87) {
    const long double number = static_cast<long double>(random()) / 7;
    std::memcpy(value.data(), &number, 10);
  }
  return image;
}

struct width {
  const char* feature;
  void (*spin)();
  void (*load)(const register_image*);
  std::size_t vectors;
  std::size_t vector_bytes;
};

constexpr width sse{"sse4.1", cede_test_spin_sse, cede_test_load_sse, 16, 16};
constexpr width avx{"avx2", cede_test_spin_avx, cede_test_load_avx, 16, 32};
constexpr width avx512{"avx512f", cede_test_spin_avx512, cede_test_load_avx512, 32, 64};

bool present(const width& wanted) {
  if (wanted.vectors == 32) return __builtin_cpu_supports("avx512f") != 0;
  return wanted.vector_bytes == 16 || __builtin_cpu_supports("avx2") != 0;
}

class preempt_registers : public testing::preemption_test {
 protected:
  void run(const width& wide, register_image in) {
    if (!present(wide)) GTEST_SKIP() << "no " << wide.feature << " here";
    register_image out{};
    const register_image other = special(random_image(99));
    cede_test_in = &in;
    cede_test_out = &out;
    cede_test_stop = 0;
    preemptible_fiber fiber([&](preemptible_fiber&) {
      const kicker kicking;
      wide.spin();
    });
    fiber.after_divert = after_divert;
    // The last thing done here is to spoil the registers.
    fiber.when_preempted = [&](preemptible_fiber& self) {
      if (self.count(diversion::done) >= preemptions) cede_test_stop = 1;
      wide.load(&other);
    };
    fiber.resume();
    expect_same(wide, in, out);
  }

  void (*after_divert)(ucontext_t& interrupted) = nullptr;

  static register_image special(register_image image) {
    image.flags = always_set;
    image.mxcsr = standard_mxcsr | 0x3f;  // all flags raised, all masked
    image.control = standard_x87;
    return image;
  }

 private:
  static void expect_same(const width& wide, const register_image& in, register_image& out) {
    out.general[2] = in.general[2];  // rcx: the loop's
    EXPECT_EQ(out.general, in.general);
    EXPECT_EQ(out.flags, in.flags);
    EXPECT_EQ(out.red_zone, in.red_zone);
    for (std::size_t i = 0; i < wide.vectors; ++i) {
      EXPECT_EQ(std::memcmp(&out.vectors[i], &in.vectors[i], wide.vector_bytes), 0)
          << "vector register " << i;
    }
    if (wide.vectors == 32) {
      EXPECT_EQ(out.masks, in.masks);
    }
    for (std::size_t i = 0; i < in.x87.size(); ++i)
      EXPECT_EQ(std::memcmp(&out.x87[i], &in.x87[i], 10), 0) << "x87 register " << i;
    EXPECT_EQ(out.mxcsr, in.mxcsr);
    EXPECT_EQ(out.control, in.control);
  }
};

TEST_F(preempt_registers, sse_and_x87_values_survive) { run(sse, special(random_image(1))); }

TEST_F(preempt_registers, avx2_values_survive) { run(avx, special(random_image(2))); }

TEST_F(preempt_registers, avx512_values_and_masks_survive) {
  run(avx512, special(random_image(3)));
}

TEST_F(preempt_registers, floating_point_control_survives_whatever_it_is) {
  constexpr std::uint32_t flush_to_zero = 1U << 15;
  constexpr std::uint32_t denormals_are_zero = 1U << 6;
  constexpr std::uint32_t rounding_mask = 3U << 13;
  for (std::uint32_t rounding = 0; rounding < 4; ++rounding) {
    register_image image = special(random_image(4 + rounding));
    image.mxcsr = (standard_mxcsr & ~rounding_mask) | rounding << 13 | flush_to_zero |
                  (rounding % 2 == 0 ? denormals_are_zero : 0);
    image.control = static_cast<std::uint16_t>((standard_x87 & 0xf0ff) | rounding << 10 |
                                               (rounding % 2 == 0 ? 0 : 0x200));
    run(sse, image);
  }
  register_image unmasked = special(random_image(8));
  unmasked.mxcsr = standard_mxcsr & ~0x200U;  // division by zero would trap
  unmasked.control = standard_x87 & ~0x4U;
  run(sse, unmasked);
}

TEST_F(preempt_registers, flags_survive) {
  for (const std::uint64_t flags :
       {carry | parity | adjust | zero | sign | overflow, direction | carry, direction | zero,
        alignment_check | overflow | sign}) {
    register_image image = special(random_image(20));
    image.flags = always_set | flags;
    run(sse, image);
  }
}

// Older processors have xsave only; with these components both formats have the same size.
TEST_F(preempt_registers, survive_in_the_standard_format_too) {
  constexpr std::uint64_t x87_sse_avx = 7;
  after_divert = [](ucontext_t& interrupted) {
    auto& frame = *reinterpret_cast<preempt_frame*>(stack_pointer(interrupted));
    frame.compacted = 0;
    frame.components &= x87_sse_avx;
  };
  run(avx, special(random_image(9)));
}

TEST_F(preempt_registers, what_is_saved_has_its_bytes) {
  const extended_state kept = kept_extended_state();
  EXPECT_EQ(kept.components & 3, 3U) << "x87 and SSE are always there";
  EXPECT_EQ(kept.components & (pkru_component | amx_components), 0U);
  EXPECT_GE(kept.bytes, 576U);
  EXPECT_LT(kept.bytes, 8192U);
}

// No machine at hand has tiles: the signal frame is made to say that they are in use.
TEST_F(preempt_registers, a_kick_while_registers_are_in_use_that_are_not_saved_is_refused) {
  static std::uint64_t claimed;
  claimed = 0;
  preemptible_fiber fiber([](preemptible_fiber& self) {
    base::signals::kick(gettid());
    EXPECT_EQ(self.count(diversion::done), 1U);
    claimed = amx_components;
    base::signals::kick(gettid());
  });
  fiber.before_divert = [](ucontext_t& interrupted) {
    constexpr std::size_t header = 512;
    auto* const area = reinterpret_cast<std::byte*>(interrupted.uc_mcontext.fpregs) + header;
    std::uint64_t in_use = 0;
    std::memcpy(&in_use, area, sizeof(in_use));
    in_use |= claimed;
    std::memcpy(area, &in_use, sizeof(in_use));
  };
  fiber.after_any = [](ucontext_t& interrupted) {
    constexpr std::size_t header = 512;
    auto* const area = reinterpret_cast<std::byte*>(interrupted.uc_mcontext.fpregs) + header;
    std::uint64_t in_use = 0;
    std::memcpy(&in_use, area, sizeof(in_use));
    in_use &= ~claimed;
    std::memcpy(area, &in_use, sizeof(in_use));
  };
  fiber.resume();
  EXPECT_EQ(fiber.count(diversion::kept_registers), 1U);
  EXPECT_EQ(fiber.count(diversion::done), 1U);
}

bool is_an_ordinary_call() {
  const std::uint64_t flags = __readeflags();
  std::array<std::uint16_t, 14> environment{};
  asm volatile("fnstenv %0\n\tfldenv %0" : "+m"(environment));
  alignas(32) volatile char aligned = 0;
  constexpr std::uint16_t all_empty = 0xffff;
  return (flags & (direction | alignment_check)) == 0 && _mm_getcsr() == standard_mxcsr &&
         environment[0] == standard_x87 && environment[4] == all_empty &&
         reinterpret_cast<std::uintptr_t>(&aligned) % 32 == 0 &&
         reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) % 16 == 0;
}

TEST_F(preempt_registers, the_called_function_finds_an_ordinary_call) {
  register_image in = special(random_image(30));
  in.flags = always_set | direction | alignment_check | carry;
  in.mxcsr = standard_mxcsr | 0x6000;
  in.control = 0x0f7f;
  register_image out{};
  cede_test_in = &in;
  cede_test_out = &out;
  cede_test_stop = 0;
  bool ordinary = true;
  preemptible_fiber fiber([&](preemptible_fiber&) {
    const kicker kicking;
    cede_test_spin_sse();
  });
  fiber.when_preempted = [&](preemptible_fiber& self) {
    ordinary = ordinary && is_an_ordinary_call();
    if (self.count(diversion::done) >= preemptions) cede_test_stop = 1;
  };
  fiber.resume();
  EXPECT_TRUE(ordinary);
  EXPECT_EQ(out.flags, in.flags);
}

// What an unwinder takes for the registers of the interrupted frame.
struct unwound {
  std::array<std::uint64_t, 16> by_number{};  // as DWARF numbers them
  bool found = false;
};

_Unwind_Reason_Code look_for_spin(_Unwind_Context* context, void* argument) {
  auto& into = *static_cast<unwound*>(argument);
  int before_instruction = 0;
  _Unwind_GetIPInfo(context, &before_instruction);
  if (before_instruction == 0) return _URC_NO_REASON;
  for (std::size_t i = 0; i < into.by_number.size(); ++i)
    into.by_number[i] = _Unwind_GetGR(context, static_cast<int>(i));
  into.found = true;
  return _URC_END_OF_STACK;
}

std::uintptr_t interrupted_pc = 0;
std::uintptr_t interrupted_sp = 0;

TEST_F(preempt_registers, an_unwinder_finds_all_of_the_interrupted_frame) {
  register_image in = special(random_image(31));
  register_image out{};
  cede_test_in = &in;
  cede_test_out = &out;
  cede_test_stop = 0;
  unwound seen;
  std::uintptr_t sp = 0;
  preemptible_fiber fiber([&](preemptible_fiber&) {
    const kicker kicking;
    cede_test_spin_sse();
  });
  fiber.before_divert = [](ucontext_t& interrupted) {
    interrupted_pc = program_counter(interrupted);
    interrupted_sp = stack_pointer(interrupted);
  };
  fiber.when_preempted = [&](preemptible_fiber&) {
    const auto loop = reinterpret_cast<std::uintptr_t>(&cede_test_loop_sse);
    constexpr std::uintptr_t loop_bytes = 9;  // a load and a jump
    if (cede_test_stop != 0 || interrupted_pc - loop > loop_bytes) return;
    sp = interrupted_sp;
    _Unwind_Backtrace(&look_for_spin, &seen);
    cede_test_stop = 1;
  };
  fiber.resume();
  ASSERT_TRUE(seen.found);
  // In the image: rax rbx rcx rdx rsi rdi rbp r8 ...; rcx is the loop's.
  constexpr std::array<std::size_t, 16> place{0, 3, 2, 1, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12, 13, 14};
  for (std::size_t i = 0; i < place.size(); ++i) {
    if (i == 2) continue;
    EXPECT_EQ(seen.by_number[i], i == 7 ? sp : in.general[place[i]]) << "register " << i;
  }
}

TEST_F(preempt_registers, a_carry_chain_is_not_broken) {
  constexpr std::size_t words = 512;
  std::mt19937_64 random(40);
  std::vector<std::uint64_t> addend(words);
  for (auto& word : addend) word = random() | 1ULL << 63;  // most additions carry
  std::vector<std::uint64_t> sum(words, 0);
  std::uint64_t rounds = 0;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    for (; self.count(diversion::done) < preemptions; ++rounds)
      cede_test_add(sum.data(), addend.data(), words);
  });
  fiber.when_preempted = [](preemptible_fiber& self) { self.park(); };
  while (!fiber.over()) fiber.resume();
  std::vector<std::uint64_t> expected(words);
  unsigned_128 carried = 0;
  for (std::size_t i = 0; i < words; ++i) {
    carried += static_cast<unsigned_128>(addend[i]) * rounds;
    expected[i] = static_cast<std::uint64_t>(carried);
    carried >>= 64;
  }
  EXPECT_EQ(sum, expected);
}

TEST_F(preempt_registers, string_instructions_go_on_in_their_direction) {
  std::vector<std::uint8_t> from(8192);
  std::iota(from.begin(), from.end(), std::uint8_t{0});
  std::vector<std::uint8_t> to(from.size());
  bool right = true;
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    while (self.count(diversion::done) < preemptions) {
      std::fill(to.begin(), to.end(), std::uint8_t{0});
      cede_test_copy_backwards(&to.back(), &from.back(), from.size());
      right = right && to == from;
    }
  });
  fiber.when_preempted = [](preemptible_fiber& self) { self.park(); };
  while (!fiber.over()) fiber.resume();
  EXPECT_TRUE(right);
}

using eight_doubles = double __attribute__((vector_size(64)));

[[gnu::target("avx512f"), gnu::noinline]] double compute(int rounds) {
  eight_doubles value{1, 2, 3, 4, 5, 6, 7, 8};
  const eight_doubles factor{1.1, 0.9, 1.01, 0.99, 1.001, 0.999, 1.0001, 0.9999};
  long double beside = 1;
  for (int i = 0; i < rounds; ++i) {
    value = value * factor + 1.0;
    value = value > 1e6 ? value - 1e6 : value;
    beside = beside * 1.0000001L + 1e-7L;
  }
  double sum = static_cast<double>(beside);
  for (int i = 0; i < 8; ++i) sum += value[i];
  return sum;
}

TEST_F(preempt_registers, compiled_computations_have_the_results_that_they_have_undisturbed) {
  if (!present(avx512)) GTEST_SKIP() << "no avx512f here";
  constexpr int rounds = 2000;
  const double expected = compute(rounds);
  bool right = true;
  const register_image other = special(random_image(98));
  preemptible_fiber fiber([&](preemptible_fiber& self) {
    const kicker kicking;
    while (self.count(diversion::done) < preemptions) right = right && compute(rounds) == expected;
  });
  fiber.when_preempted = [&](preemptible_fiber&) { avx512.load(&other); };
  fiber.resume();
  EXPECT_TRUE(right);
}

}  // namespace
}  // namespace cede::context
