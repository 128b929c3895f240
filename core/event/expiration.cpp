#include "core/event/expiration.h"

#include <algorithm>
#include <charconv>

namespace np2p {

std::optional<std::int64_t> expires_at(const Event& event) noexcept {
  std::optional<std::int64_t> earliest;
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    if (tag.name() != "expiration") continue;
    const std::string_view text = tag.first();
    std::int64_t end = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), end);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) continue;
    earliest = std::min(earliest.value_or(end), end);
  }
  return earliest;
}

}  // namespace np2p
