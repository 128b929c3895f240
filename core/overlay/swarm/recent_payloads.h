// What was broadcast lately: ids by which repetition is noticed, and for a shorter while the payloads, for those who
// missed them. Oldest go first when there are too many.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/frame.h"
#include "core/base/heap_bytes.h"
#include "core/base/strong_int.h"
#include "core/base/time.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

using PayloadId = FixedBytes<struct PayloadIdTag, 16>;  // leading half of a SHA-256

class RecentPayloads {
 public:
  struct Entry {
    PayloadId id;
    MonoTime at;
    Frame whole;  // the Gossip message, encoded as it is handed on; empty once too old
    LinkId from;  // 0: our own
    std::uint8_t tree = 0;
  };

  RecentPayloads(std::size_t entries, std::size_t bytes) : max_entries_(entries), max_bytes_(bytes) {}

  Entry* find(const PayloadId& id);
  Entry* find(std::uint64_t head);  // the first eight bytes of an id
  Entry& add(Entry entry);          // valid until the next call of add()
  void forget(MonoTime payloads_before, MonoTime ids_before);
  // Newest first, while `visit` says so.
  template <class Visit>
  void each(Visit visit) {
    for (std::size_t i = ring_.size(); i > first_; --i) {
      if (!visit(ring_[i - 1])) return;
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return ring_.size() - first_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(ring_) + heap_bytes(table_) + bytes_ + (ring_.size() - bare_) * kFrameOverhead;
  }
  static std::uint64_t head(const PayloadId& id) noexcept { return id.hash(); }

 private:
  static constexpr std::size_t kFrameOverhead = 16 + kAllocationBytes;  // of a frame's block, besides its bytes
  void drop_oldest();
  void rebuild();
  std::size_t max_entries_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::vector<Entry> ring_;  // [first_, end): in the order of coming
  std::size_t first_ = 0;
  std::size_t bare_ = 0;              // below this the payloads are gone
  std::vector<std::uint32_t> table_;  // by head, open addressing: place in ring_ + 1
};

}  // namespace np2p::swarm
