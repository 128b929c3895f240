// Frame: an immutable, reference-counted byte string. A post that goes to 48 links is encoded once and shared 48 times;
// copying a Frame costs one counter. Its 64-bit hash (for the trace digest and for memo tables) is computed once.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <utility>

#include "core/base/bytes.h"

namespace np2p {

class Frame {
 public:
  Frame() noexcept = default;
  explicit Frame(ByteView bytes);  // copies the bytes once
  Frame(const Frame& other) noexcept : block_(other.block_) { retain(); }
  Frame(Frame&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Frame& operator=(const Frame& other) noexcept {
    Frame copy(other);
    std::swap(block_, copy.block_);
    return *this;
  }
  Frame& operator=(Frame&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Frame() { release(); }

  [[nodiscard]] ByteView view() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  // The memory it takes, divided among those who hold it now: only for measuring.
  [[nodiscard]] std::size_t share_of_bytes() const noexcept {
    if (block_ == nullptr) return 0;
    return (sizeof(Block) + block_->size) / block_->references.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t hash() const noexcept;  // hash_bytes of the content; of an empty frame too

  friend bool operator==(const Frame& a, const Frame& b) noexcept {
    return a.block_ == b.block_ || text_of(a.view()) == text_of(b.view());
  }

  // For hosts that keep frames in flight inside plain-data events: detach() gives up the reference without counting
  // down, attach() takes it back. Every detach() needs exactly one attach().
  [[nodiscard]] std::uintptr_t detach() noexcept {
    return reinterpret_cast<std::uintptr_t>(std::exchange(block_, nullptr));
  }
  [[nodiscard]] static Frame attach(std::uintptr_t handle) noexcept {
    Frame frame;
    frame.block_ = reinterpret_cast<Block*>(handle);
    return frame;
  }

 private:
  struct Block {  // the bytes follow it in the same allocation
    mutable std::atomic<std::uint32_t> references{1};
    std::uint32_t size = 0;
    mutable std::atomic<std::uint64_t> hash{0};  // 0: not computed yet
  };
  void retain() const noexcept {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept;
  Block* block_ = nullptr;
};

}  // namespace np2p
