#include "core/base/frame.h"

#include <cstring>
#include <new>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace np2p {

Frame::Frame(ByteView bytes) {
  if (bytes.empty()) return;
  NP2P_ASSERT(bytes.size() <= UINT32_MAX);
  void* memory = ::operator new(sizeof(Block) + bytes.size());
  block_ = new (memory) Block;
  block_->size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(reinterpret_cast<std::uint8_t*>(block_ + 1), bytes.data(), bytes.size());
}

ByteView Frame::view() const noexcept {
  if (block_ == nullptr) return {};
  return {reinterpret_cast<const std::uint8_t*>(block_ + 1), block_->size};
}

std::uint64_t Frame::hash() const noexcept {
  if (block_ == nullptr) return hash_bytes({});
  std::uint64_t value = block_->hash.load(std::memory_order_relaxed);
  if (value == 0) {
    value = hash_bytes(view());
    block_->hash.store(value, std::memory_order_relaxed);
  }
  return value;
}

void Frame::release() noexcept {
  if (block_ == nullptr) return;
  // Who finds the only reference holds it: nobody else can make another one, and no locked instruction is needed.
  const bool last = block_->references.load(std::memory_order_acquire) == 1 ||
                    block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (!last) return;
  block_->~Block();
  ::operator delete(static_cast<void*>(block_));
}

}  // namespace np2p
