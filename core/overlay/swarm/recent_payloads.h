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
  // 32 bytes, because there may be thousands.
  struct Entry {
    Entry(const PayloadId& payload, MonoTime when, Frame message, LinkId from, std::uint8_t along)
        : id(payload),
          whole(std::move(message)),
          at_tenths(static_cast<std::uint32_t>(when.ns / kTenth)),
          place(from ? place_of(from) : std::uint16_t{0}),
          tree(along) {}
    PayloadId id;
    Frame whole;              // the Gossip message as it is handed on; empty once too old
    std::uint32_t at_tenths;  // of a second
    std::uint16_t place;      // of the link that it came over; 0: our own
    std::uint8_t tree;
    [[nodiscard]] MonoTime at() const noexcept { return MonoTime{std::int64_t{at_tenths} * kTenth}; }
    [[nodiscard]] bool is_own() const noexcept { return place == 0; }
    // Nearly surely: only the low bits of a link are kept, which is enough to spare an announcement.
    [[nodiscard]] bool came_over(LinkId link) const noexcept { return place == place_of(link); }

   private:
    static constexpr std::int64_t kTenth = 100'000'000;
    static std::uint16_t place_of(LinkId link) noexcept { return static_cast<std::uint16_t>(link.value << 1 | 1u); }
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
    return heap_bytes(table_) + heap_bytes(ring_, [](const Entry& one) { return one.whole.share_of_bytes(); });
  }
  static std::uint64_t head(const PayloadId& id) noexcept { return id.hash(); }

 private:
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
