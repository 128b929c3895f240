#include "core/event/filter.h"

#include <algorithm>

#include "core/event/search.h"

namespace np2p {
namespace {

template <class List, class Value>
bool holds(const List& list, const Value& value) noexcept {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool has_tag(const Event& event, char letter, const std::vector<std::string>& values) noexcept {
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    if (tag.size() < 2 || tag.name() != std::string_view(&letter, 1)) continue;
    if (holds(values, tag.first())) return true;
  }
  return false;
}

}  // namespace

bool matches(const Filter& filter, const Event& event) {
  if (filter.ids && !holds(*filter.ids, event.id)) return false;
  if (filter.authors && !holds(*filter.authors, event.pubkey)) return false;
  if (filter.kinds && !holds(*filter.kinds, std::uint32_t{event.kind})) return false;
  if (filter.since && event.created_at < *filter.since) return false;
  if (filter.until && event.created_at > *filter.until) return false;
  for (const auto& [letter, values] : filter.tags) {
    if (!has_tag(event, letter, values)) return false;
  }
  return !filter.search || found_by(search_words(*filter.search), event);
}

bool newer(const Event& a, const Event& b) noexcept {
  if (a.created_at != b.created_at) return a.created_at > b.created_at;
  return a.id < b.id;
}

}  // namespace np2p
