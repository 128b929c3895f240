#include "core/wire/swarm_messages.h"

#include <string>
#include <type_traits>
#include <utility>

#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

// The fields of each type, once for both directions: Io is a FieldWriter with a const message or a FieldReader with one
// to fill. `room` bounds payloads.
template <class Io, class M>
void fields(Io& io, M& m, std::size_t room) {
  using T = std::remove_const_t<M>;
  if constexpr (std::is_same_v<T, Hello>) {
    io.number(m.version);
    io.number(m.boot);
    io.number(m.features);
    io.number(m.sent_at);
    io.number(m.salt);
    io.fixed(m.owner);
    io.address(m.listens);
    io.coordinates(m.at);
  } else if constexpr (std::is_same_v<T, HelloEcho>) {
    io.number(m.sent_at);
    io.address(m.observed);
    io.coordinates(m.at);
    io.later(m.servers);
  } else if constexpr (std::is_same_v<T, Probe>) {
    io.number(m.sent_at);
    io.coordinates(m.at);
    io.later(m.servers);
  } else if constexpr (std::is_same_v<T, Unused>) {
    io.flag(m.again);
  } else if constexpr (std::is_same_v<T, DialBack>) {
    io.number(m.port);
  } else if constexpr (std::is_same_v<T, ForwardJoin>) {
    io.ref(m.joiner);
    io.number(m.ttl);
  } else if constexpr (std::is_same_v<T, Neighbor>) {
    io.choice(m.urgency, Urgency::nearer);
  } else if constexpr (std::is_same_v<T, NeighborAnswer>) {
    io.flag(m.accepted);
    io.refs(m.others);
  } else if constexpr (std::is_same_v<T, Shuffle>) {
    io.optional_ref(m.origin);
    io.number(m.ttl);
    io.refs(m.sample);
  } else if constexpr (std::is_same_v<T, ShuffleReply>) {
    io.refs(m.sample);
  } else if constexpr (std::is_same_v<T, Gossip>) {
    io.number(m.tree);
    io.number(m.channel);
    io.fixed(m.source);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, IHave>) {
    io.announced(m.ids);
  } else if constexpr (std::is_same_v<T, Graft>) {
    io.number(m.trees);
    io.short_ids(m.ids);
  } else if constexpr (std::is_same_v<T, Prune>) {
    io.number(m.trees);
  } else if constexpr (std::is_same_v<T, Watch>) {
    io.flag(m.on);
    io.number(m.recent);
  } else if constexpr (std::is_same_v<T, FindNode>) {
    io.number(m.query);
    io.fixed(m.target);
  } else if constexpr (std::is_same_v<T, FoundNodes>) {
    io.number(m.query);
    io.refs(m.nodes);
  } else if constexpr (std::is_same_v<T, Put>) {
    io.fixed(m.key);
    io.number(m.hops);
    io.records(m.records);
  } else if constexpr (std::is_same_v<T, Replicate>) {
    io.fixed(m.key);
    io.records(m.records);
  } else if constexpr (std::is_same_v<T, Get>) {
    io.fixed(m.key);
    io.number(m.query);
    io.number(m.hops);
    io.later(m.what);
  } else if constexpr (std::is_same_v<T, Got>) {
    io.number(m.query);
    io.number(m.hops);
    io.records(m.records);
  } else if constexpr (std::is_same_v<T, Routed>) {
    io.fixed(m.via);
    io.fixed(m.to);
    io.fixed(m.from);
    io.fixed(m.from_via);
    io.number(m.boot);
    io.number(m.counter);
    io.number(m.hops);
    io.number(m.channel);
    io.fixed(m.source);
    io.array(m.mac);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, Undelivered>) {
    io.fixed(m.via);
    io.fixed(m.to);
    io.fixed(m.lost);
    io.number(m.hops);
  } else if constexpr (std::is_same_v<T, Direct>) {
    io.number(m.channel);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, PathVector>) {
    io.path_entries(m.entries);
  } else if constexpr (std::is_same_v<T, Carry>) {
    io.fixed(m.via);
    io.fixed(m.to);
    io.fixed(m.from);
    io.fixed(m.from_via);
    io.number(m.tunnel);
    io.number(m.hops);
    io.blob(m.record, kMostRecordOfTunnel);
  } else if constexpr (std::is_same_v<T, CarryEnd>) {
    io.fixed(m.via);
    io.fixed(m.to);
    io.fixed(m.from);
    io.number(m.tunnel);
    io.number(m.hops);
  } else if constexpr (std::is_same_v<T, HistoryDigest>) {
    io.span(m.span);
    io.array(m.digest);
  } else if constexpr (std::is_same_v<T, HistoryParts>) {
    io.span(m.span);
    io.short_ids(m.digests);
  } else if constexpr (std::is_same_v<T, HistoryIds>) {
    io.span(m.span);
    io.number(m.parts);
    io.short_ids(m.ids);
  } else if constexpr (std::is_same_v<T, HistoryOffer> || std::is_same_v<T, HistoryAsk>) {
    io.short_ids(m.ids);
  } else if constexpr (std::is_same_v<T, Recalled>) {
    io.number(m.channel);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, Spread>) {
    io.fixed(m.via);
    io.fixed(m.from);
    io.fixed(m.from_via);
    io.fixed(m.origin);
    io.number(m.hops);
    io.number(m.channel);
    io.number(m.tag);
    io.short_nodes(m.to);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, Handed>) {
    io.fixed(m.from);
    io.number(m.channel);
    io.number(m.tag);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, Receipt>) {
    io.number(m.from);
    io.number(m.tag);
    io.array(m.mac);
  } else if constexpr (std::is_same_v<T, Receipts>) {
    io.fixed(m.via);
    io.fixed(m.to);
    io.number(m.hops);
    io.number(m.tag);
    io.receipted(m.got);
    io.short_nodes(m.lost);
  }  // the others have no fields
}

template <std::size_t I>
Result<Message> decode_as(ByteView body, const Limits& limits) {
  std::variant_alternative_t<I, Message> message{};
  FieldReader in(body);
  fields(in, message, limits.frame_bytes);
  if (!in.ok()) return error(ErrorCode::malformed, "a message of type " + std::to_string(I + 1) + " does not parse");
  return Message{std::move(message)};
}

using Decoder = Result<Message> (*)(ByteView, const Limits&);
template <std::size_t... I>
constexpr std::array<Decoder, sizeof...(I)> decoders(std::index_sequence<I...>) {
  return {&decode_as<I>...};
}
constexpr auto kDecoders = decoders(std::make_index_sequence<std::variant_size_v<Message>>{});

}  // namespace

// The type byte is the place in Message's list, from 1: new types are added at its end.
Frame encode(const Message& message) {
  FieldWriter out;
  out.number(static_cast<std::uint8_t>(message.index() + 1));
  std::visit([&](const auto& m) { fields(out, m, 0); }, message);
  return Frame(out.out());
}

Result<Message> decode(ByteView bytes, const Limits& limits) {
  if (bytes.empty()) return error(ErrorCode::malformed, "an empty message");
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "a message over the limit");
  const std::size_t type = bytes[0];
  if (type == 0 || type > kDecoders.size()) {
    return error(ErrorCode::unknown_type, "a message of the unknown type " + std::to_string(type));
  }
  return kDecoders[type - 1](bytes.subspan(1), limits);
}

}  // namespace np2p::swarm
