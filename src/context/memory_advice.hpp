// madvise over many ranges of this process in one system call where the kernel can.
#pragma once

#include <sys/uio.h>

#include <cede/error.hpp>
#include <span>

namespace cede::context {

// MADV_GUARD_INSTALL (Linux 6.13): page-table markers that fault like PROT_NONE but do not split
// the mapping. Not in this glibc's headers.
inline constexpr int advice_guard_install = 102;

// Gives `advice` for each range. On an error some ranges may have taken it.
result<> advise_all(std::span<const iovec> ranges, int advice) noexcept;

// Whether the page at `address` faults for the kernel too. Emulators accept advice they ignore.
bool is_inaccessible(const void* address) noexcept;

}  // namespace cede::context
