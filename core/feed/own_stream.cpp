#include "core/feed/own_stream.h"

#include <algorithm>
#include <string>

#include "core/feed/persist.h"
#include "core/host/node_signature.h"

namespace np2p {
namespace {

struct Entry {
  std::uint64_t incarnation = 0;
  std::uint64_t base = 0;
  Chain chain{};
  EventId event;
};

std::string encode(const Entry& entry) {
  std::string value;
  append_u64(value, entry.incarnation);
  append_u64(value, entry.base);
  value.append(text_of(entry.chain));
  value.append(text_of(entry.event.view()));
  return value;
}

std::optional<Entry> decode(std::string_view value) {
  Entry entry;
  const auto incarnation = take_u64(value);
  const auto base = take_u64(value);
  if (!base || value.size() != entry.chain.size() + EventId::size) return std::nullopt;
  entry.incarnation = *incarnation;
  entry.base = *base;
  std::copy_n(value.begin(), entry.chain.size(), entry.chain.begin());
  entry.event = *EventId::from(bytes_of(value.substr(entry.chain.size())));
  return entry;
}

}  // namespace

void OwnStream::load(const std::vector<EventPtr>& before) {
  std::uint64_t earlier = 0;  // incarnations
  host_.store.each_value(Table::stream, [&](std::string_view key, std::string_view value) {
    const auto seq = u64_of_ordered(key);
    const auto entry = decode(value);
    if (!seq || !entry) return;
    if (last_ == 0) first_ = *seq;
    last_ = *seq;
    earlier = entry->incarnation;
  });
  incarnation_ = std::max(earlier + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(0, host_.clock.wall().ns)));
  base_ = last_;
  previous_ = earlier;
  chain_ = first_chain(config_.owner, incarnation_, base_);
  if (last_ > 0) return;
  for (const EventPtr& event : before) append(event->id);
}

std::uint64_t OwnStream::append(const EventId& event) {
  chain_ = next_chain(chain_, event);
  ++last_;
  for (; last_ - first_ >= config_.limits.stream_events; ++first_) {
    host_.store.erase_value(Table::stream, ordered_u64(first_));
  }
  host_.store.set_value(Table::stream, ordered_u64(last_), encode({incarnation_, base_, chain_, event}));
  return last_;
}

std::optional<StreamHead> OwnStream::head_at(std::uint64_t seq) {
  if (seq == last_) return head();
  const auto entry = decode(host_.store.value(Table::stream, ordered_u64(seq)));
  if (!entry) return std::nullopt;
  const auto before = decode(host_.store.value(Table::stream, ordered_u64(entry->base)));
  return sign(entry->incarnation, entry->base, seq, entry->chain, before ? before->incarnation : 0);
}

StreamHead OwnStream::head() {
  return sign(incarnation_, base_, last_, chain_, previous_);
}

std::uint64_t OwnStream::after(const StreamPosition& position) {
  std::uint64_t seq = std::min(position.seq, last_);
  if (position.incarnation == incarnation_) return seq;
  if (position.incarnation > incarnation_) return first_ - 1;  // of a disk that is gone, by a clock that was wrong
  seq = std::min(seq, base_);
  while (seq >= first_) {
    const auto entry = decode(host_.store.value(Table::stream, ordered_u64(seq)));
    if (!entry || entry->incarnation <= position.incarnation) break;
    seq = entry->base;
  }
  return seq;
}

StreamHead OwnStream::sign(std::uint64_t incarnation, std::uint64_t base, std::uint64_t seq, const Chain& chain,
                           std::uint64_t previous) {
  StreamHead head{config_.owner, overlay_.identity().epoch, incarnation, base, seq, chain, {}, previous};
  head.sig = sign_as_node(host_.node_key, kStreamTag, config_.network_id, signed_part(head));
  return head;
}

std::optional<EventId> OwnStream::event_at(std::uint64_t seq) {
  const auto entry = decode(host_.store.value(Table::stream, ordered_u64(seq)));
  return entry ? std::optional(entry->event) : std::nullopt;
}

}  // namespace np2p
