#include "core/feed/heard.h"

#include <algorithm>
#include <string>

#include "core/feed/persist.h"

namespace np2p {
namespace {

std::string key_of(const PubKey& author, std::uint64_t seq) {
  return std::string(text_of(author.view())) + ordered_u64(seq);
}

}  // namespace

void Heard::put(const PubKey& author, std::uint64_t seq, const EventId& event, const StreamHead* head) {
  std::string value(text_of(event.view()));
  if (head != nullptr) {
    append_u64(value, head->epoch);
    append_u64(value, head->incarnation);
    append_u64(value, head->base);
    append_u64(value, head->previous);
    value.append(text_of(head->chain));
    value.append(text_of(head->sig.view()));
  }
  host_.store.set_value(Table::heard, key_of(author, seq), value);
  if (seq > config_.limits.heard_events) {
    host_.store.erase_value(Table::heard, key_of(author, seq - config_.limits.heard_events));
  }
}

std::optional<Heard::Entry> Heard::get(const PubKey& author, std::uint64_t seq) {
  const std::string value = host_.store.value(Table::heard, key_of(author, seq));
  std::string_view in = value;
  const auto event = EventId::from(bytes_of(in.substr(0, EventId::size)));
  if (!event) return std::nullopt;
  Entry entry{*event, std::nullopt};
  in.remove_prefix(EventId::size);
  const auto epoch = take_u64(in);
  const auto incarnation = take_u64(in);
  const auto base = take_u64(in);
  const auto previous = take_u64(in);
  StreamHead head;
  if (!previous || in.size() != head.chain.size() + Signature::size) return entry;
  head = {author,   *epoch, *incarnation, *base, seq, {}, *Signature::from(bytes_of(in.substr(head.chain.size()))),
          *previous};
  std::copy_n(in.begin(), head.chain.size(), head.chain.begin());
  entry.head = head;
  return entry;
}

void Heard::jumped(const PubKey& author, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t kept = config_.limits.heard_events;
  const std::uint64_t end = to < from ? from : std::min(from, to - std::min(to, kept));  // the last that goes
  for (std::uint64_t seq = from - std::min(from, kept) + 1; seq <= end; ++seq) {
    if (to < from && seq <= to) continue;
    host_.store.erase_value(Table::heard, key_of(author, seq));
  }
}

void Heard::forget(const PubKey& author, std::uint64_t last) {
  const std::uint64_t kept = std::min<std::uint64_t>(last, config_.limits.heard_events);
  for (std::uint64_t seq = last - kept + 1; seq <= last; ++seq) {
    host_.store.erase_value(Table::heard, key_of(author, seq));
  }
}

}  // namespace np2p
