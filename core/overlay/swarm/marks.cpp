#include "core/overlay/swarm/marks.h"

#include <algorithm>

#include "core/base/vectors.h"

namespace np2p::swarm {
namespace {

constexpr std::int64_t kMinute = 60;
// Kept beyond the age, for peers whose clocks are behind.
constexpr std::int64_t kSpare = 10 * kMinute;

}  // namespace

Marks::Marks(std::size_t most, Duration age) : most_(most), age_(age / 1s) {}

bool Marks::insert(const Past& past, std::int64_t now) {
  const std::int64_t oldest = now - age_ - kSpare;
  if (std::int64_t{past.at} > now + kMinute) return false;  // who dates ahead must not push out what others remember
  if (past.at < floor_ || std::int64_t{past.at} < oldest || most_ == 0) return false;
  const Item item{past.at, static_cast<std::uint32_t>(past.mark >> 32), static_cast<std::uint32_t>(past.mark)};
  const auto place = std::lower_bound(items_.begin(), items_.end(), item);
  if (place != items_.end() && *place == item) return false;
  const auto index = place - items_.begin();
  make_room_for_one(items_);
  items_.insert(items_.begin() + index, item);
  auto keep = items_.begin();
  while (keep != items_.end() && std::int64_t{keep->at} < oldest) ++keep;
  if (const auto too_many = static_cast<std::ptrdiff_t>(items_.size()) - static_cast<std::ptrdiff_t>(most_);
      too_many > keep - items_.begin()) {
    keep = items_.begin() + too_many;
    floor_ = std::max(floor_, (keep - 1)->at + 1);
  }
  items_.erase(items_.begin(), keep);
  return true;
}

std::optional<Past> Marks::find(std::uint64_t mark) const noexcept {
  for (const Item& item : items_) {
    if (item.mark() == mark) return Past{item.at, mark};
  }
  return std::nullopt;
}

bool Marks::contains(std::uint64_t mark) const noexcept {
  return find(mark).has_value();
}

bool Marks::any_from(std::uint32_t since) const noexcept {
  return !items_.empty() && items_.back().at >= since;
}

std::uint32_t Marks::complete_since(std::int64_t now) const noexcept {
  const std::int64_t since = std::max(now - age_, std::int64_t{floor_});
  const std::int64_t whole = (since + kMinute - 1) / kMinute * kMinute;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(whole, 0, UINT32_MAX));
}

Marks::Iterator Marks::first_from(std::uint32_t since) const noexcept {
  return std::lower_bound(items_.begin(), items_.end(), Item{since, 0, 0});
}

Sha256 Marks::digest(Iterator first, Iterator last, std::uint64_t salt) {
  ByteVec bytes;
  bytes.reserve(static_cast<std::size_t>(last - first) * sizeof(Item) + sizeof salt);
  const auto put = [&bytes](std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  };
  put(static_cast<std::uint32_t>(salt >> 32));
  put(static_cast<std::uint32_t>(salt));
  for (; first != last; ++first) {
    put(first->at);
    put(first->high);
    put(first->low);
  }
  return sha256(bytes);
}

Sha256 Marks::digest(Span span) const {
  return digest(first_from(span.since), first_from(span.until), 0);
}

std::uint32_t Marks::part_length(Span span) noexcept {
  const std::uint64_t length = std::uint64_t{span.until} - span.since;
  return static_cast<std::uint32_t>((length + kHistoryParts - 1) / kHistoryParts);
}

std::size_t Marks::parts_of(Span span) noexcept {
  const std::uint64_t each = part_length(span);
  return static_cast<std::size_t>((std::uint64_t{span.until} - span.since + each - 1) / each);
}

std::vector<std::uint64_t> Marks::digests(Span span, std::uint64_t salt) const {
  std::vector<std::uint64_t> all;
  const std::uint64_t each = part_length(span);
  all.reserve(parts_of(span));
  for (std::uint64_t at = span.since; at < span.until; at += each) {
    const std::uint64_t end = std::min<std::uint64_t>(at + each, span.until);
    const auto first = first_from(static_cast<std::uint32_t>(at));
    const Sha256 hash = digest(first, first_from(static_cast<std::uint32_t>(end)), salt);
    std::uint64_t head = 0;
    for (std::size_t i = 0; i < 8; ++i) head = head << 8 | hash[i];
    all.push_back(head);
  }
  return all;
}

std::vector<std::uint64_t> Marks::in_parts(Span span, std::uint32_t parts) const {
  std::vector<std::uint64_t> marks;
  const std::uint32_t each = part_length(span);
  for (auto at = first_from(span.until), first = first_from(span.since); at != first;) {
    --at;
    if ((parts >> ((at->at - span.since) / each) & 1u) != 0) marks.push_back(at->mark());
  }
  return marks;
}

}  // namespace np2p::swarm
