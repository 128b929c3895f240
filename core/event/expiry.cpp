#include "core/event/expiry.h"

#include <charconv>

namespace np2p {

std::optional<std::int64_t> expiration_of(const Event& event) noexcept {
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    if (tag.name() != "expiration") continue;
    const std::string_view text = tag.first();
    std::int64_t at = -1;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), at);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || at < 0) return std::nullopt;
    return at;
  }
  return std::nullopt;
}

}  // namespace np2p
