#include "base/slab_chunk.hpp"

#include <sys/mman.h>

#include <new>

#include "base/sanitizers.hpp"

#if CEDE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace cede::base::slab_chunk {
namespace {

// Maps twice what is needed and gives back what lies before and behind the aligned part.
std::byte* map_aligned() noexcept {
  void* const mapped =
      ::mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) & (bytes - 1);
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, bytes - before);
  return begin + before;
}

}  // namespace

header* map(std::uint32_t number) noexcept {
  std::byte* const memory = map_aligned();
  if (memory == nullptr) return nullptr;
#if CEDE_ASAN
  __lsan_register_root_region(memory, bytes);
#endif
  return ::new (memory) header{.number = number, .reserved = 0};
}

void unmap(header* chunk) noexcept {
#if CEDE_ASAN
  __lsan_unregister_root_region(chunk, bytes);
#endif
  ::munmap(chunk, bytes);
}

void poison([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if CEDE_ASAN
  __asan_poison_memory_region(begin, size);
#endif
}

void unpoison([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if CEDE_ASAN
  __asan_unpoison_memory_region(begin, size);
#endif
}

directory::~directory() {
  for (std::atomic<entry*>& block : blocks_) delete[] block.load();
}

bool directory::set(std::uint32_t number, header* chunk) noexcept {
  if (number < first_block_entries) {
    first_[number].store(chunk);
    return true;
  }
  const place where = place_of(number);
  entry* block = blocks_[where.block].load();
  if (block == nullptr) {
    block = new (std::nothrow) entry[first_block_entries << (where.block - 1)]();
    if (block == nullptr) return false;
    blocks_[where.block].store(block);
  }
  block[where.entry].store(chunk);
  return true;
}

}  // namespace cede::base::slab_chunk
