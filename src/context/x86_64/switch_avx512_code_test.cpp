// Compiled with AVX-512 (cmake/tests.cmake). Nothing here but plain functions, see the header.
#include "context/x86_64/switch_avx512.hpp"

#if !defined(__AVX512F__) || !defined(__AVX512BW__)
#error "this file is to be compiled with AVX-512, or its test shows nothing"
#endif

namespace cede::context::testing {

namespace {

using words = std::uint32_t __attribute__((vector_size(64)));
using long_words = std::uint64_t __attribute__((vector_size(64)));

}  // namespace

// Seven vectors are alive over the switch, which the compiler keeps wherever they seem to be safe.
[[gnu::noinline]] std::uint64_t carry_over_avx512(continuation& from, continuation& to,
                                                  int switches, const std::uint32_t* in) noexcept {
  words a;
  __builtin_memcpy(&a, in, sizeof a);
  const words b = a + 3;
  const words c = a * b;
  const words d = b ^ c;
  const words e = c - d;
  const words f = e ^ (e << 7);
  const words g = f + a;
  for (int i = 0; i < switches; ++i) switch_stacks(from, to);
  words sum = (b << 1) + a;
  sum = (sum * 3) ^ c;
  sum = (sum * 5) + d;
  sum = (sum * 7) ^ e;
  sum = (sum * 11) + f;
  sum = (sum * 13) ^ g;
  const auto whole = reinterpret_cast<long_words>(sum);
  std::uint64_t result = 0;
  for (int i = 0; i < 8; ++i) result = result * 31 + whole[i];
  return result;
}

// The empty statements want each mask in a mask register, before and after.
[[gnu::noinline]] std::uint64_t carry_over_masks(continuation& from, continuation& to, int switches,
                                                 const std::uint32_t* in) noexcept {
  std::uint64_t a = in[0] * std::uint64_t{0x9e3779b97f4a7c15};
  std::uint64_t b = a ^ in[1];
  std::uint64_t c = b * in[2];
  asm("" : "+k"(a), "+k"(b), "+k"(c));
  for (int i = 0; i < switches; ++i) switch_stacks(from, to);
  asm("" : "+k"(a), "+k"(b), "+k"(c));
  return a * 3 + b * 5 + c * 7;
}

[[gnu::noinline]] void spoil_avx512() noexcept {
#define CEDE_SPOIL_VECTOR(n) "vpternlogd $0xff, %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
#define CEDE_SPOIL_MASK(n) "kxnorq %%k" #n ", %%k" #n ", %%k" #n "\n\t"
  // clang-format off
  asm volatile(
      CEDE_SPOIL_VECTOR(0) CEDE_SPOIL_VECTOR(1) CEDE_SPOIL_VECTOR(2) CEDE_SPOIL_VECTOR(3)
      CEDE_SPOIL_VECTOR(4) CEDE_SPOIL_VECTOR(5) CEDE_SPOIL_VECTOR(6) CEDE_SPOIL_VECTOR(7)
      CEDE_SPOIL_VECTOR(8) CEDE_SPOIL_VECTOR(9) CEDE_SPOIL_VECTOR(10) CEDE_SPOIL_VECTOR(11)
      CEDE_SPOIL_VECTOR(12) CEDE_SPOIL_VECTOR(13) CEDE_SPOIL_VECTOR(14) CEDE_SPOIL_VECTOR(15)
      CEDE_SPOIL_VECTOR(16) CEDE_SPOIL_VECTOR(17) CEDE_SPOIL_VECTOR(18) CEDE_SPOIL_VECTOR(19)
      CEDE_SPOIL_VECTOR(20) CEDE_SPOIL_VECTOR(21) CEDE_SPOIL_VECTOR(22) CEDE_SPOIL_VECTOR(23)
      CEDE_SPOIL_VECTOR(24) CEDE_SPOIL_VECTOR(25) CEDE_SPOIL_VECTOR(26) CEDE_SPOIL_VECTOR(27)
      CEDE_SPOIL_VECTOR(28) CEDE_SPOIL_VECTOR(29) CEDE_SPOIL_VECTOR(30) CEDE_SPOIL_VECTOR(31)
      CEDE_SPOIL_MASK(0) CEDE_SPOIL_MASK(1) CEDE_SPOIL_MASK(2) CEDE_SPOIL_MASK(3)
      CEDE_SPOIL_MASK(4) CEDE_SPOIL_MASK(5) CEDE_SPOIL_MASK(6) CEDE_SPOIL_MASK(7)
      :
      :
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20",
        "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",
        "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7");
  // clang-format on
#undef CEDE_SPOIL_VECTOR
#undef CEDE_SPOIL_MASK
}

}  // namespace cede::context::testing
