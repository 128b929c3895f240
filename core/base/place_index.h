// Finds places in somebody else's array by a hash of what lies there: open addressing, linear probing, 4 bytes a slot,
// 6 to 11 bytes for each entry, nothing for none. The array says what the hash of a place is; it must not change while
// the place stands here. Of several places with one hash each() visits all, in an order that depends only on what was
// put in and taken out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/heap_bytes.h"

namespace np2p {

class PlaceIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  // hash_of(place) for every place that stands here, this one included.
  template <class HashOf>
  void add(std::uint32_t place, HashOf hash_of) {
    NP2P_ASSERT(place != kNone);
    ++count_;
    if (count_ * 4 > slots_.size() * 3) {
      rebuild(hash_of, place);
    } else {
      put(place, hash_of(place));
    }
  }
  // Closes the gap (Knuth, volume 3, 6.4, algorithm R): what lies behind it on its way from home moves up.
  template <class HashOf>
  void remove(std::uint32_t place, HashOf hash_of) {
    std::size_t gap = home(hash_of(place));
    while (slots_[gap] != place) gap = next(gap);
    for (std::size_t slot = next(gap); slots_[slot] != kNone; slot = next(slot)) {
      const std::size_t mask = slots_.size() - 1;
      if (((slot - home(hash_of(slots_[slot]))) & mask) < ((slot - gap) & mask)) continue;
      slots_[gap] = slots_[slot];
      gap = slot;
    }
    slots_[gap] = kNone;
    --count_;
    if (count_ * 16 < slots_.size() && slots_.size() > kFewest) rebuild(hash_of, kNone);
  }
  // The first of those with that hash that fits; kNone if none does.
  template <class Fits>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Fits fits) const {
    if (slots_.empty()) return kNone;
    for (std::size_t slot = home(hash); slots_[slot] != kNone; slot = next(slot)) {
      if (fits(slots_[slot])) return slots_[slot];
    }
    return kNone;
  }
  // Of these and of some others: whoever visits looks itself.
  template <class Visit>
  void each(std::uint64_t hash, Visit visit) const {
    static_cast<void>(find(hash, [&](std::uint32_t place) {
      visit(place);
      return false;
    }));
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(slots_); }

 private:
  static constexpr std::size_t kFewest = 16;
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return mix64(hash) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t slot) const noexcept { return (slot + 1) & (slots_.size() - 1); }
  void put(std::uint32_t place, std::uint64_t hash) {
    std::size_t slot = home(hash);
    while (slots_[slot] != kNone) slot = next(slot);
    slots_[slot] = place;
  }
  template <class HashOf>
  void rebuild(HashOf hash_of, std::uint32_t fresh) {
    std::size_t size = kFewest;
    while (size < count_ * 2) size *= 2;
    std::vector<std::uint32_t> old(size, kNone);
    old.swap(slots_);
    for (const std::uint32_t place : old) {
      if (place != kNone) put(place, hash_of(place));
    }
    if (fresh != kNone) put(fresh, hash_of(fresh));
  }

  std::vector<std::uint32_t> slots_;  // a power of two
  std::size_t count_ = 0;
};

}  // namespace np2p
