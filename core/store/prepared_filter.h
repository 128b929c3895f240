// A filter made ready for many events: its lists sorted and without repetition, so that a feed of 5,000 authors costs a
// binary search per event and an index is never walked twice. Means exactly what matches() means (core/event/filter.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/event/filter.h"
#include "core/event/search.h"

namespace np2p {

class PreparedFilter {
 public:
  explicit PreparedFilter(const Filter& filter)
      : ids(sorted(filter.ids)), authors(sorted(filter.authors)), kinds(sorted(filter.kinds)) {
    rest.tags = filter.tags;
    rest.since = filter.since;
    rest.until = filter.until;
    if (filter.search) search = search_words(*filter.search);
  }

  [[nodiscard]] bool has_kind(std::uint16_t kind) const { return holds(kinds, std::uint32_t{kind}); }
  [[nodiscard]] bool accepts(const Event& event) const {
    return has_kind(event.kind) && holds(authors, event.pubkey) && holds(ids, event.id) && matches(rest, event) &&
           (!search || found_by(*search, event));
  }

  std::optional<std::vector<EventId>> ids;
  std::optional<std::vector<PubKey>> authors;
  std::optional<std::vector<std::uint32_t>> kinds;
  Filter rest;  // tags, since, until
  std::optional<std::vector<SearchWord>> search;

 private:
  template <class Value>
  static std::optional<std::vector<Value>> sorted(std::optional<std::vector<Value>> list) {
    if (!list) return list;
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
    return list;
  }
  template <class Value>
  static bool holds(const std::optional<std::vector<Value>>& list, const Value& value) {
    return !list || std::binary_search(list->begin(), list->end(), value);
  }
};

}  // namespace np2p
