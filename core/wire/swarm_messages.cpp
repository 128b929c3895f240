#include "core/wire/swarm_messages.h"

#include <type_traits>
#include <utility>

#include "core/wire/message_list.h"

namespace np2p::swarm {
namespace {

struct Fields {
  template <class Io, class M>
  void operator()(Io& io, M& m, std::size_t room) const {
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
};

}  // namespace

Frame encode(const Message& message) {
  return encode_one_of(message, Fields{});
}

Result<Message> decode(ByteView bytes, const Limits& limits) {
  return decode_one_of<Message>(bytes, limits, Fields{});
}

}  // namespace np2p::swarm
