// What the x86-64 switch must keep, and what it must not let through.
#include "context/x86_64/switch.hpp"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <array>
#include <cfenv>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/sanitizers.hpp"
#include "context/continuation.hpp"
#include "context/x86_64/switch_avx512.hpp"

namespace cede::context {
namespace {

constexpr std::uint32_t flush_to_zero = 0x8000;
constexpr std::uint32_t denormals_are_zero = 0x0040;

// Two bare contexts, without what sanitizers must know; so nothing here may be instrumented deeply.
class partner {
 public:
  explicit partner(std::function<void(partner&)> body) : body_(std::move(body)) {
    prepare(there_, memory_.get() + bytes, &entry, this);
  }
  continuation& here() { return here_; }
  continuation& there() { return there_; }
  void resume() { switch_to(here_, there_); }
  void park() { switch_to(there_, here_); }

 private:
  static constexpr std::size_t bytes = 128 * 1024;

  static void entry(void* argument) {
    auto& self = *static_cast<partner*>(argument);
    self.body_(self);
    for (;;) self.park();
  }

  std::function<void(partner&)> body_;
  std::unique_ptr<std::byte[]> memory_ = std::make_unique<std::byte[]>(bytes);
  continuation here_{.control = current_fp_control()};
  continuation there_;
};

class switch_test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CEDE_ASAN || CEDE_TSAN) GTEST_SKIP() << "a bare switch is not annotated";
  }
  void TearDown() override {
    _mm_setcsr(standard_mxcsr);
    std::fesetenv(FE_DFL_ENV);
  }
};

// The other side of each switch: every register that could hold something is overwritten.
void spoil_registers(partner& self) {
  for (;;) {
    asm volatile(
        "movq $-1, %%rbx\n\tmovq $-1, %%r12\n\tmovq $-1, %%r13\n\tmovq $-1, %%r14\n\t"
        "movq $-1, %%r15\n\tpcmpeqd %%xmm6, %%xmm6\n\tpcmpeqd %%xmm15, %%xmm15\n\t"
        "pcmpeqd %%xmm0, %%xmm0\n\tfninit"
        :
        :
        : "rbx", "r12", "r13", "r14", "r15", "xmm0", "xmm6", "xmm15");
    self.park();
  }
}

// No call in it but the switch: a leaf function may keep its locals below the stack pointer.
[[gnu::noinline]] std::uint64_t sum_in_red_zone(continuation& from, continuation& to,
                                                std::uint64_t seed) {
  volatile std::uint64_t locals[12];
  for (std::uint64_t i = 0; i < 12; ++i) locals[i] = seed * i;
  switch_stacks(from, to);
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 12; ++i) sum += locals[i];
  return sum;
}

TEST_F(switch_test, does_not_damage_the_red_zone) {
  partner other(spoil_registers);
  EXPECT_EQ(sum_in_red_zone(other.here(), other.there(), 7), 7U * 66);
  EXPECT_EQ(sum_in_red_zone(other.here(), other.there(), 11), 11U * 66);
}

// Enough values alive over the switch to fill the callee-saved registers, and more.
[[gnu::noinline]] std::uint64_t carry_over(partner& other, const std::uint64_t* in) {
  const std::uint64_t a = in[0] * 3, b = in[1] * 5, c = in[2] * 7, d = in[3] * 11, e = in[4] * 13,
                      f = in[5] * 17, g = in[6] * 19, h = in[7] * 23;
  other.resume();
  return a ^ (b << 1) ^ (c << 2) ^ (d << 3) ^ (e << 4) ^ (f << 5) ^ (g << 6) ^ (h << 7);
}

TEST_F(switch_test, keeps_values_that_live_in_registers) {
  partner other(spoil_registers);
  constexpr std::uint64_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(carry_over(other, in), 3U ^ (10U << 1) ^ (21U << 2) ^ (44U << 3) ^ (65U << 4) ^
                                       (102U << 5) ^ (133U << 6) ^ (184U << 7));
}

[[gnu::noinline]] double carry_over_doubles(partner& other, const double* in) {
  const double a = in[0] * 3, b = in[1] * 5, c = in[2] * 7;
  const long double d = static_cast<long double>(in[3]) * 11;
  other.resume();
  return a + b * 2 + c * 3 + static_cast<double>(d);
}

TEST_F(switch_test, keeps_floating_point_values) {
  partner other(spoil_registers);
  constexpr double in[4] = {1, 2, 3, 4};
  EXPECT_EQ(carry_over_doubles(other, in), 3.0 + 20.0 + 63.0 + 44.0);
}

[[gnu::noinline, gnu::target("avx")]] std::array<float, 8> carry_over_avx(partner& other,
                                                                          const float* in) {
  const __m256 before = _mm256_loadu_ps(in);
  const __m256 doubled = _mm256_add_ps(before, before);
  switch_stacks(other.here(), other.there());
  std::array<float, 8> out;
  _mm256_storeu_ps(out.data(), _mm256_add_ps(doubled, before));
  return out;
}

[[gnu::target("avx")]] void spoil_avx(partner& self) {
  for (;;) {
    asm volatile("vxorps %%ymm0, %%ymm0, %%ymm0\n\tvxorps %%ymm1, %%ymm1, %%ymm1\n\tvzeroall"
                 :
                 :
                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    self.park();
  }
}

TEST_F(switch_test, keeps_avx_values) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "no AVX here";
  partner other(spoil_avx);
  constexpr float in[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(carry_over_avx(other, in), (std::array<float, 8>{3, 6, 9, 12, 15, 18, 21, 24}));
}

// A build for a processor with AVX-512 (-march=native) may keep values in 16 more vector registers
// and in masks, none of which a called function keeps.
void expect_kept_avx512(std::uint64_t (*carry_over)(continuation&, continuation&, int,
                                                    const std::uint32_t*) noexcept) {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw"))
    GTEST_SKIP() << "no AVX-512 here";
  partner other([](partner& self) {
    for (;;) {
      testing::spoil_avx512();
      self.park();
    }
  });
  std::array<std::uint32_t, 16> in;
  for (std::uint32_t i = 0; i < in.size(); ++i) in[i] = (i + 1) * 2654435761U;
  const std::uint64_t undisturbed = carry_over(other.here(), other.there(), 0, in.data());
  EXPECT_EQ(carry_over(other.here(), other.there(), 1, in.data()), undisturbed);
  EXPECT_EQ(carry_over(other.here(), other.there(), 3, in.data()), undisturbed);
}

TEST_F(switch_test, keeps_avx512_values) { expect_kept_avx512(&testing::carry_over_avx512); }

TEST_F(switch_test, keeps_avx512_masks) { expect_kept_avx512(&testing::carry_over_masks); }

// Runs `change` in the other context, then checks that this one has the standard words and the
// other still has what it set.
void expect_kept_apart(void (*change)()) {
  fp_control changed;
  fp_control later;
  partner other([&](partner& self) {
    change();
    changed = current_fp_control();
    self.park();
    later = current_fp_control();
    _mm_setcsr(standard_mxcsr);
    std::fesetenv(FE_DFL_ENV);
  });
  other.resume();
  const fp_control here = current_fp_control();
  EXPECT_EQ(here.special, 0);
  EXPECT_EQ(changed.special, 1) << "the test changed nothing";
  other.resume();
  EXPECT_EQ(later.mxcsr & mxcsr_control_bits, changed.mxcsr & mxcsr_control_bits);
  EXPECT_EQ(later.x87, changed.x87);
  EXPECT_EQ(current_fp_control().special, 0);
}

TEST_F(switch_test, rounding_modes_set_through_the_standard_library_stay_apart) {
  expect_kept_apart([] { std::fesetround(FE_UPWARD); });
  expect_kept_apart([] { std::fesetround(FE_DOWNWARD); });
  expect_kept_apart([] { std::fesetround(FE_TOWARDZERO); });
}

TEST_F(switch_test, rounding_modes_set_by_intrinsics_stay_apart) {
  expect_kept_apart([] { _MM_SET_ROUNDING_MODE(_MM_ROUND_UP); });
  expect_kept_apart([] { _MM_SET_ROUNDING_MODE(_MM_ROUND_DOWN); });
  expect_kept_apart([] { _MM_SET_ROUNDING_MODE(_MM_ROUND_TOWARD_ZERO); });
}

TEST_F(switch_test, denormals_are_zero_stays_apart) {
  expect_kept_apart([] { _mm_setcsr(standard_mxcsr | denormals_are_zero); });
  expect_kept_apart([] { _mm_setcsr(standard_mxcsr | denormals_are_zero | flush_to_zero); });
}

TEST_F(switch_test, unmasked_exceptions_stay_apart) {
  expect_kept_apart([] { feenableexcept(FE_DIVBYZERO); });
}

TEST_F(switch_test, x87_precision_stays_apart) {
  expect_kept_apart([] {
    const std::uint16_t single_precision = 0x007f;
    asm volatile("fldcw %0" : : "m"(single_precision));
  });
}

TEST_F(switch_test, another_contexts_x87_flag_does_not_raise_here) {
  long double result = 0;
  partner other([&](partner& self) {
    feenableexcept(FE_DIVBYZERO);
    self.park();  // meanwhile the flag is raised, masked
    volatile long double one = 1;
    result = one + one;
    fedisableexcept(FE_ALL_EXCEPT);
  });
  other.resume();
  volatile long double zero = 0;
  volatile long double infinite = 1 / zero;
  (void)infinite;
  other.resume();
  EXPECT_EQ(result, 2);
}

TEST_F(switch_test, raises_no_floating_point_flag) {
  partner other(spoil_registers);
  std::feclearexcept(FE_ALL_EXCEPT);
  _mm_setcsr(standard_mxcsr);
  other.resume();
  other.resume();
  EXPECT_EQ(_mm_getcsr() & 0x3f, 0U);
}

}  // namespace
}  // namespace cede::context
