// A NIP-01 filter and its plain meaning. matches() is deliberately dumb: it is the oracle of the stores' indices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/event/event.h"

namespace np2p {

struct Filter {
  // An absent list matches everything; a present but empty one matches nothing.
  std::optional<std::vector<EventId>> ids;
  std::optional<std::vector<PubKey>> authors;
  std::optional<std::vector<std::uint32_t>> kinds;              // may name kinds that no event has
  std::vector<std::pair<char, std::vector<std::string>>> tags;  // "#e": one of these values in a tag of that name
  std::optional<std::int64_t> since;                            // created_at >= since
  std::optional<std::int64_t> until;                            // created_at <= until
  std::optional<std::size_t> limit;                             // the newest so many
  std::optional<std::string> search;                            // NIP-50 (event/search.h)

  friend bool operator==(const Filter&, const Filter&) = default;
};

bool matches(const Filter& filter, const Event& event);  // everything but `limit`

// NIP-01's order: newest first, of the same second the lowest id first.
bool newer(const Event& a, const Event& b) noexcept;

}  // namespace np2p
