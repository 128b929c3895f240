#include <cmath>

#include "pybind/bindings.h"

namespace np2p::py_bind {

Duration duration_of(double seconds) {
  return Duration{std::llround(seconds * 1e9)};
}

double seconds_of(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}

Tags tags_of(const TagList& list) {
  Tags tags;
  for (const auto& tag : list) {
    tags.begin_tag();
    for (const auto& value : tag) tags.add_value(value);
  }
  return tags;
}

TagList list_of(const Tags& tags) {
  TagList list;
  list.reserve(tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i) {
    auto& values = list.emplace_back();
    for (std::size_t k = 0; k < tags[i].size(); ++k) values.emplace_back(tags[i][k]);
  }
  return list;
}

Filter filter_of(const std::optional<std::vector<std::uint32_t>>& kinds,
                 const std::optional<std::vector<std::string>>& authors,
                 const std::optional<std::vector<std::string>>& ids, std::optional<std::int64_t> until) {
  Filter filter;
  filter.kinds = kinds;
  filter.until = until;
  if (authors) {
    filter.authors.emplace();
    for (const auto& author : *authors) filter.authors->push_back(parse_hex<PubKey>("authors", author));
  }
  if (ids) {
    filter.ids.emplace();
    for (const auto& id : *ids) filter.ids->push_back(parse_hex<EventId>("ids", id));
  }
  return filter;
}

}  // namespace np2p::py_bind
