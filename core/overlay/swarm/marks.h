// What was broadcast lately, as marks in the order of their times, and digests of spans of it: two nodes whose digests
// of a span are equal know the same. The newest `most` are remembered, 12 bytes each, and nothing older than `age`.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/heap_bytes.h"
#include "core/event/sha256.h"
#include "core/overlay/overlay.h"
#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

class Marks {
 public:
  Marks(std::size_t most, Duration age);

  // False: it is there already, or too old. `now` in Unix seconds, as all times here.
  bool insert(const Past& past, std::int64_t now);
  [[nodiscard]] bool contains(std::uint64_t mark) const noexcept;
  [[nodiscard]] std::optional<Past> find(std::uint64_t mark) const noexcept;
  [[nodiscard]] bool any_from(std::uint32_t since) const noexcept;
  // From here on nothing was forgotten: the start of a whole minute, so that it is the same on most nodes.
  [[nodiscard]] std::uint32_t complete_since(std::int64_t now) const noexcept;

  [[nodiscard]] Sha256 digest(Span span) const;
  // Of kHistoryParts parts of the span, or fewer if it is short: for one conversation, told by the salt.
  [[nodiscard]] std::vector<std::uint64_t> digests(Span span, std::uint64_t salt) const;
  [[nodiscard]] std::vector<std::uint64_t> in_parts(Span span, std::uint32_t parts) const;  // newest first
  [[nodiscard]] static std::size_t parts_of(Span span) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(items_); }

 private:
  struct Item {  // a Past without padding
    std::uint32_t at = 0;
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    friend auto operator<=>(const Item&, const Item&) = default;
    [[nodiscard]] std::uint64_t mark() const noexcept { return std::uint64_t{high} << 32 | low; }
  };
  using Iterator = std::vector<Item>::const_iterator;
  [[nodiscard]] static std::uint32_t part_length(Span span) noexcept;
  [[nodiscard]] Iterator first_from(std::uint32_t since) const noexcept;
  [[nodiscard]] static Sha256 digest(Iterator first, Iterator last, std::uint64_t salt);

  std::size_t most_;
  std::int64_t age_;         // seconds
  std::vector<Item> items_;  // ascending
  std::uint32_t floor_ = 0;  // something before this had to make room
};

}  // namespace np2p::swarm
