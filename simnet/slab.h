// Vectors of hot state on huge pages: a world touches its hosts in random order, and with small pages most of the time
// would go into looking up addresses. Where the system has no huge pages it is an ordinary allocator.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <vector>

namespace np2p::sim {

void* allocate_slab(std::size_t bytes);  // aligned and advised from 1 MiB on
void free_slab(void* memory, std::size_t bytes) noexcept;

// Asks for memory that will be needed soon, line by line. The empty asm keeps the calls alive: g++ takes a function
// that does nothing but prefetch for one without effect.
inline void fetch(const void* from, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + i, 1);
  asm volatile("");
}

template <class T>
struct SlabAllocator {
  using value_type = T;
  SlabAllocator() noexcept = default;
  template <class U>
  SlabAllocator(const SlabAllocator<U>&) noexcept {}  // NOLINT: what allocators are converted by
  T* allocate(std::size_t n) { return static_cast<T*>(allocate_slab(n * sizeof(T))); }
  void deallocate(T* memory, std::size_t n) noexcept { free_slab(memory, n * sizeof(T)); }
  template <class U>
  friend bool operator==(const SlabAllocator&, const SlabAllocator<U>&) noexcept {
    return true;
  }
};

template <class T>
using SlabVector = std::vector<T, SlabAllocator<T>>;

// Many small arrays of T in few slabs: sizes are multiples of four, what is given back is used again for the same size.
template <class T>
class ArrayPool {
 public:
  static constexpr std::size_t kStep = 4;
  static_assert(sizeof(T) * kStep >= sizeof(void*));
  T* take(std::size_t n) {
    const std::size_t size_class = n / kStep;
    if (size_class < free_.size() && free_[size_class] != nullptr) {
      T* array = free_[size_class];
      std::memcpy(static_cast<void*>(&free_[size_class]), static_cast<const void*>(array), sizeof(T*));
      return array;
    }
    if (n > kSlab) return oversize_.emplace_back(n).data();
    if (slabs_.empty() || used_ + n > kSlab) {
      slabs_.emplace_back(kSlab);
      used_ = 0;
    }
    T* array = slabs_.back().data() + used_;
    used_ += n;
    return array;
  }
  void give(T* array, std::size_t n) {
    if (n == 0 || n > kSlab) return;
    if (free_.size() <= n / kStep) free_.resize(n / kStep + 1);
    std::memcpy(static_cast<void*>(array), static_cast<const void*>(&free_[n / kStep]), sizeof(T*));
    free_[n / kStep] = array;
  }

 private:
  static constexpr std::size_t kSlab = (std::size_t{2} << 20) / sizeof(T) / kStep * kStep;
  std::vector<SlabVector<T>> slabs_;
  std::vector<SlabVector<T>> oversize_;
  std::vector<T*> free_;  // by n / kStep: a list through the arrays themselves
  std::size_t used_ = 0;
};

}  // namespace np2p::sim
