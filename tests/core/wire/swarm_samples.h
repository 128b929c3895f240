// One message of every type of the scalable overlay, in the order of the types, with no field at its default: what is
// forgotten in an encoding shows.
#pragma once

#include <vector>

#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

template <class Fixed>
Fixed filled(std::uint8_t byte) {
  Fixed value;
  for (std::size_t i = 0; i < Fixed::size; ++i) value.data[i] = static_cast<std::uint8_t>(byte + i);
  return value;
}

inline PeerRef sample_ref(std::uint8_t n) {
  Address address = Address::v4(0x0B000001u + (static_cast<std::uint32_t>(n) << 16), 20'000);
  if (n % 2 == 1) {
    address = Address{};
    address.ip[0] = 0x20;
    address.ip[1] = 0x01;
    address.ip[15] = n;
    address.port = 443;
  }
  return {filled<NodeId>(n), address, {static_cast<std::int16_t>(-300 - n), 4000, 17, 999}};
}

inline std::vector<Message> sample_messages() {
  const Coordinates at{-1234, 567, 89, 4321};
  const Frame payload(bytes_of("payload of a post"));
  const std::vector<PeerRef> refs = {sample_ref(4), sample_ref(5), sample_ref(6)};
  const std::vector<ByteVec> records = {ByteVec(3, 1), ByteVec(), ByteVec(200, 9)};
  Routed routed;
  routed.via = filled<NodeId>(1);
  routed.to = filled<NodeId>(2);
  routed.from = filled<NodeId>(3);
  routed.from_via = filled<NodeId>(4);
  routed.boot = 0x1122334455667788u;
  routed.counter = 99;
  routed.hops = 5;
  routed.channel = 1;
  routed.source = filled<PubKey>(77);
  routed.mac.fill(0xAB);
  routed.payload = payload;
  return {
      Hello{7, 0x0102030405060708u, 3, 12345, 0xFFEEDDCCBBAA9988u, filled<PubKey>(9), sample_ref(2).address, at},
      HelloEcho{54321, sample_ref(3).address, at, 30'000},
      Probe{777, at, 40'000},
      Unused{true},
      DialBack{20'001},
      Join{},
      ForwardJoin{sample_ref(8), 6},
      Neighbor{Urgency::nearer},
      NeighborAnswer{true, refs},
      Disconnect{},
      Shuffle{sample_ref(10), 4, refs},
      ShuffleReply{refs},
      Gossip{63, 1, filled<PubKey>(30), payload},
      IHave{{{0xA1A2A3A4A5A6A7A8u, 5}, {1, 63}}},
      Graft{0x8000000000000001u, {42, 0xFFFFFFFFFFFFFFFFu}},
      Prune{0x0F0F0F0F0F0F0F0Fu},
      Watch{true, 60},
      FindNode{11, filled<NodeId>(50)},
      FoundNodes{12, refs},
      Put{filled<Key>(60), 3, records},
      Replicate{filled<Key>(61), records},
      Get{filled<Key>(62), 13, 4, 1},
      Got{14, 5, records},
      routed,
      Undelivered{filled<NodeId>(70), filled<NodeId>(71), filled<NodeId>(72), 6},
      Direct{1, payload},
      PathVector{{{3, 0x01020304u, 500}, {31, 7, kFar}}},
      Carry{filled<NodeId>(80), filled<NodeId>(81), filled<NodeId>(82), filled<NodeId>(83), 0x0807060504030201u, 7,
            payload},
      CarryEnd{filled<NodeId>(84), filled<NodeId>(85), filled<NodeId>(86), 15, 8},
      HistoryDigest{{1'700'000'040, 1'700'086'400}, filled<Key>(90).data},
      HistoryParts{{1'700'000'040, 1'700'000'100}, {0x1112131415161718u, 2}},
      HistoryIds{{1'700'000'040, 1'700'086'400}, 0x80000001u, {0x2122232425262728u, 3}},
      HistoryOffer{{0x3132333435363738u, 4}},
      HistoryAsk{{0x4142434445464748u, 5}},
      Recalled{1, payload},
      Spread{filled<NodeId>(87),
             filled<NodeId>(88),
             filled<NodeId>(89),
             filled<NodeId>(93),
             2,
             1,
             0x1020304050607080u,
             {7, 8, 9},
             payload},
      Handed{filled<NodeId>(90), 1, 16, payload},
      Receipt{0x5152535455565758u, 17, routed.mac},
      Receipts{filled<NodeId>(91), filled<NodeId>(92), 3, 18, {{19, routed.mac}, {20, {}}}, {21}},
  };
}

}  // namespace np2p::swarm
