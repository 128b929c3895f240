#include "core/event/bind.h"

#include <charconv>

namespace np2p {
namespace {

// Digits in their one form, from 1 to `most`.
std::optional<std::uint64_t> number(std::string_view text, std::uint64_t most) noexcept {
  std::uint64_t value = 0;
  if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::optional<NodeId> lower_hex_node(std::string_view text) noexcept {
  for (const char digit : text) {
    if (digit >= 'A' && digit <= 'F') return std::nullopt;
  }
  return NodeId::parse_hex(text);
}

// The only tag of that name.
struct Found {
  std::size_t times = 0;
  bool plain = false;  // a name and one value
  std::string_view value;
};

Found find(const Tags& tags, std::string_view name) noexcept {
  Found found;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (tags[i].name() != name) continue;
    ++found.times;
    found.plain = tags[i].size() == 2;
    found.value = tags[i].first();
  }
  return found;
}

}  // namespace

Result<Bind> decode_bind(const Event& event) {
  const auto bad = [](const char* why) { return error(ErrorCode::bad_field, why); };
  if (event.kind != kind::bind) return error(ErrorCode::bad_kind, "a BIND is of kind 10848");
  if (event.tags.size() > kMostBindTags || event.tags.bytes() > kMostBindBytes) {
    return error(ErrorCode::too_large, "a BIND with too many or too long tags");
  }
  if (!event.content.empty()) return bad("the content of a BIND is not empty");
  Bind bind;
  bind.user = event.pubkey;
  bind.created_at = event.created_at;
  bind.id = event.id;
  const Found node = find(event.tags, "node");
  const Found epoch = find(event.tags, "epoch");
  const Found expires = find(event.tags, "expires");
  if (node.times > 1 || (node.times == 1 && !node.plain)) return bad("a BIND's node is not one value");
  if (node.times == 1) {
    bind.node = lower_hex_node(node.value);
    if (!bind.node) return bad("a BIND's node is not 64 lower-case hex digits");
  }
  const auto epoch_number = number(epoch.value, kLastEpoch);
  if (epoch.times != 1 || !epoch.plain || !epoch_number) return bad("a BIND's epoch is not one number from 1 to 2^53");
  bind.epoch = *epoch_number;
  const auto expiry = number(expires.value, std::uint64_t{1} << 53);
  if (expires.times != 1 || !expires.plain || !expiry) return bad("a BIND's expires is not one time in Unix seconds");
  bind.expires = static_cast<std::int64_t>(*expiry);
  if (bind.expires <= bind.created_at || bind.expires - bind.created_at > kLongestBind / 1s) {
    return bad("a BIND expires after it was made, by at most 366 days");
  }
  return bind;
}

Tags bind_tags(const std::optional<NodeId>& node, std::uint64_t epoch, std::int64_t expires) {
  Tags tags;
  if (node) tags.add({"node", node->hex()});
  tags.add({"epoch", std::to_string(epoch)});
  tags.add({"expires", std::to_string(expires)});
  return tags;
}

bool outranks(const Bind& a, const Bind& b) noexcept {
  if (a.epoch != b.epoch) return a.epoch > b.epoch;
  if (a.created_at != b.created_at) return a.created_at > b.created_at;
  return a.id < b.id;
}

bool equivocates(const Bind& a, const Bind& b) noexcept {
  return a.user == b.user && a.epoch == b.epoch && a.node != b.node;
}

bool serves(const Bind& bind, const NodeId& node, std::int64_t unix_now) noexcept {
  return bind.node == node && bind.expires > unix_now;
}

}  // namespace np2p
