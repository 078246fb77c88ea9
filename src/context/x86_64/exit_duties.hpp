// x86-64, glibc: finds what start_thread calls at the end of a thread. Two of the functions have no
// exported name; they are known by being called right after one that has.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "context/x86_64/glibc_layout.hpp"

namespace cede::context {

// Reads the code from `newborn.returns_to` on, where start_thread goes on when the start routine
// has returned. Fills exit_duties; `layout.specific` is known.
std::expected<void, std::string> find_exit_duties(const glibc_symbols& symbols,
                                                  const newborn_thread& newborn,
                                                  const code_bytes& code, glibc_layout& layout);

}  // namespace cede::context
