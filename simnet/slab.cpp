#include <sys/mman.h>

#include <cstdlib>

#include "simnet/slab.h"

namespace np2p::sim {

namespace {
constexpr std::size_t kHugePage = std::size_t{2} << 20;
}

void* allocate_slab(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage / 2 ? kHugePage : 64;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);  // a hint: without it the same, only more slowly
  return memory;
}

void free_slab(void* memory, std::size_t) noexcept {
  std::free(memory);
}

}  // namespace np2p::sim
