#include "core/event/references.h"

#include <charconv>
#include <string>

namespace np2p {
namespace {

std::optional<std::uint16_t> parse_kind(std::string_view text) noexcept {
  std::uint16_t kind = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), kind);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return kind;
}

// An id in a tag is lower-case hex (NIP-01): so it is what an index of tag values finds.
std::optional<EventId> parse_id(std::string_view text) {
  const auto id = EventId::parse_hex(text);
  return id && id->hex() == text ? id : std::nullopt;
}

// The author stands behind the relay (q, and e of a reaction), or behind the marker (e of a thread, NIP-10).
std::optional<PubKey> author_in(const Tags::Tag& tag) noexcept {
  for (std::size_t i = 3; i < tag.size() && i < 5; ++i) {
    if (const auto author = PubKey::parse_hex(tag[i])) return author;
  }
  return std::nullopt;
}

Citation citation_of(const Tags::Tag& tag) {
  Citation found{parse_id(tag.first()), std::nullopt, author_in(tag)};
  if (found.id) return found;
  found.address = parse_address(tag.first());
  if (found.address) found.author = found.address->author;
  return found;
}

}  // namespace

std::set<PubKey> named_users(const Event& event) {
  std::set<PubKey> users;
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    if (event.tags[i].name() != "p") continue;
    if (const auto user = PubKey::parse_hex(event.tags[i].first())) users.insert(*user);
  }
  return users;
}

bool has_tag(const Event& event, std::string_view name) {
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    if (event.tags[i].name() == name) return true;
  }
  return false;
}

std::vector<Citation> cited(const Event& event) {
  std::vector<Citation> found;
  const bool reposts = event.kind == kind::repost || event.kind == kind::generic_repost;
  if (event.kind != kind::post && event.kind != kind::reaction && !reposts) return found;
  const std::string_view wanted = event.kind == kind::post ? "q" : "e";
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    if (tag.name() != wanted) continue;
    Citation one = citation_of(tag);
    if (!one.id && !one.address) continue;
    if (event.kind == kind::reaction) found.clear();
    found.push_back(std::move(one));
  }
  return found;
}

std::vector<PubKey> said_authors(const Event& event, const EventId& of) {
  std::vector<PubKey> found;
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    if ((tag.name() != "e" && tag.name() != "q") || parse_id(tag.first()) != of) continue;
    if (const auto author = author_in(tag)) found.push_back(*author);
  }
  return found;
}

Deletes deletes(const Event& deletion) {
  Deletes found;
  for (std::size_t i = 0; i < deletion.tags.size(); ++i) {
    const Tags::Tag tag = deletion.tags[i];
    if (tag.name() == "e") {
      if (const auto id = parse_id(tag.first())) found.ids.insert(*id);
    } else if (tag.name() == "a") {
      if (auto address = parse_address(tag.first())) found.addresses.insert(std::move(*address));
    } else if (tag.name() == "k") {
      if (const auto k = parse_kind(tag.first())) found.kinds.insert(*k);
    }
  }
  return found;
}

std::optional<EventAddress> parse_address(std::string_view text) {
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto k = parse_kind(text.substr(0, first));
  const std::string_view key = text.substr(first + 1, second - first - 1);
  const auto author = PubKey::parse_hex(key);
  if (!k || !author || author->hex() != key) return std::nullopt;
  const kind::Class kind_class = kind::class_of(*k);
  if (kind_class == kind::Class::addressable) return EventAddress{*author, *k, std::string(text.substr(second + 1))};
  if (kind_class == kind::Class::replaceable) return EventAddress{*author, *k, {}};
  return std::nullopt;
}

}  // namespace np2p
