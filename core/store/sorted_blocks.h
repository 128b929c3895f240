// A sorted sequence in blocks of at most 256 items: as compact as a sorted vector while it is small, and an insertion
// into a large one still moves only one block. The order is a function object given at construction; items that are
// equal in that order may not be inserted twice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/base/assert.h"

namespace np2p {

template <class Item, class Less>
class SortedBlocks {
 public:
  // A place in the sequence; any change of the sequence makes it meaningless.
  struct Place {
    std::size_t block = 0;
    std::size_t index = 0;
  };

  explicit SortedBlocks(Less less = {}) : less_(std::move(less)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const Item& last() const noexcept { return blocks_.back().back(); }
  [[nodiscard]] Place begin() const noexcept { return {}; }
  [[nodiscard]] bool at_end(Place place) const noexcept { return place.block == blocks_.size(); }
  [[nodiscard]] const Item& at(Place place) const noexcept { return blocks_[place.block][place.index]; }
  [[nodiscard]] Item& at(Place place) noexcept { return blocks_[place.block][place.index]; }
  [[nodiscard]] Place next(Place place) const noexcept {
    if (++place.index < blocks_[place.block].size()) return place;
    return {place.block + 1, 0};
  }

  // The first item for which before(item) is false; before() must hold for a leading part of the sequence only.
  template <class Before>
  [[nodiscard]] Place first_not(Before before) const {
    const auto block = std::partition_point(blocks_.begin(), blocks_.end(),
                                            [&](const std::vector<Item>& b) { return before(b.back()); });
    if (block == blocks_.end()) return {blocks_.size(), 0};
    const auto item = std::partition_point(block->begin(), block->end(), before);
    return {static_cast<std::size_t>(block - blocks_.begin()), static_cast<std::size_t>(item - block->begin())};
  }

  void insert(Item item) {
    Place place = first_not([&](const Item& other) { return less_(other, item); });
    if (blocks_.empty()) blocks_.emplace_back();
    if (at_end(place)) place = {blocks_.size() - 1, blocks_.back().size()};
    std::vector<Item>& block = blocks_[place.block];
    block.insert(block.begin() + static_cast<std::ptrdiff_t>(place.index), std::move(item));
    ++size_;
    if (block.size() > kBlock) split(place.block);
  }

  void erase(const Item& item) {
    const Place place = first_not([&](const Item& other) { return less_(other, item); });
    NP2P_ASSERT(!at_end(place) && !less_(item, at(place)));
    erase_at(place);
  }
  void erase_at(Place place) {
    std::vector<Item>& block = blocks_[place.block];
    block.erase(block.begin() + static_cast<std::ptrdiff_t>(place.index));
    if (block.empty()) blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(place.block));
    --size_;
  }
  void clear() {
    std::vector<std::vector<Item>>().swap(blocks_);
    size_ = 0;
  }

  [[nodiscard]] std::size_t bytes() const noexcept {  // beyond the object itself
    std::size_t sum = blocks_.capacity() * sizeof(blocks_[0]);
    for (const auto& block : blocks_) sum += block.capacity() * sizeof(Item);
    return sum;
  }

 private:
  static constexpr std::size_t kBlock = 256;

  void split(std::size_t at) {
    std::vector<Item>& full = blocks_[at];
    const auto middle = full.begin() + static_cast<std::ptrdiff_t>(full.size() / 2);
    std::vector<Item> upper(std::make_move_iterator(middle), std::make_move_iterator(full.end()));
    full.erase(middle, full.end());
    blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
  }

  std::vector<std::vector<Item>> blocks_;  // none of them empty
  std::size_t size_ = 0;
  [[no_unique_address]] Less less_;  // mostly without a state, and stores have many of these
};

}  // namespace np2p
