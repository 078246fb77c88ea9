// For tests: code that the compiler may keep in the registers that AVX-512 adds, with switches in
// the midst of it. Compiled with AVX-512 in a file of its own, which must have no inline function
// in common with other files: the linker might take this one's for all, on processors without
// AVX-512 too.
#pragma once

#include <cstdint>

#include "context/x86_64/switch.hpp"

namespace cede::context::testing {

// Computes in vectors and masks from 16 words of input, most of them alive over the switch.
// `switches`: how often control leaves in the midst; the result does not depend on it.
std::uint64_t carry_over_avx512(continuation& from, continuation& to, int switches,
                                const std::uint32_t* in) noexcept;
std::uint64_t carry_over_masks(continuation& from, continuation& to, int switches,
                               const std::uint32_t* in) noexcept;

// Overwrites all vector registers and masks.
void spoil_avx512() noexcept;

}  // namespace cede::context::testing
