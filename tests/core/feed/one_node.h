// One node between two neighbours whose links stand and are gossiped about, so that it has routes: what comes in from
// one side, and what it says to the other, message by message.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/feed/feed.h"
#include "core/node.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"
#include "core/wire/mesh_messages.h"
#include "core/wire/packet.h"
#include "tests/core/fake_ports.h"

namespace np2p::test {

// A link comes up, and the server at its other end says whose it is.
inline mesh::Features introduce(Node& node, LinkId at, const Signer& who) {
  LinkInfo info;
  info.link = at;
  info.proven = true;
  info.peer.data.fill(static_cast<std::uint8_t>(at.value));
  info.remote = Address::v4(0xC6120000u + static_cast<std::uint32_t>(at.value), 20000);
  node.link_up(info);
  mesh::Features features;
  features.name = mesh_name(who.public_key());
  features.uid = at.value;
  features.connection_id = at.value;
  node.frame(at, mesh::encode_features(features));
  return features;
}

class OneNode : public ::testing::Test {
 protected:
  void start(const Limits& limits = {}) {
    config.limits = limits;
    config.owner = owner.public_key();
    ports = std::make_unique<FakePorts>(config.limits);
    node = std::make_unique<Node>(config, ports->host());
    node->start();
    connect(link, peer);
    connect(other, neighbour);
  }
  // --- what comes in; all of it from `peer`, over `link`
  void broadcast(ByteView payload) { send(mesh::Tag::broadcast, "nostrp2p", payload); }
  void unicast(ByteView payload) { send(mesh::Tag::unicast, "nostrp2p", payload); }
  void extension(ByteView payload) { send(mesh::Tag::unicast, "np2p", payload); }
  void broadcast(const std::vector<Event>& events) { broadcast(packet_of(events).view()); }
  void unicast(const std::vector<Event>& events) { unicast(packet_of(events).view()); }

  static Frame packet_of(const std::vector<Event>& events, const std::vector<Request>& requests = {}) {
    std::vector<EventPtr> claimed;
    for (const Event& event : events) claimed.push_back(*ValidationGate::trusted(event));
    return encode_packet(claimed, requests);
  }
  Event post(const std::string& text, Tags tags = {}) {
    return peer.sign(kind::post, unix_seconds(ports->wall_now), std::move(tags), text);
  }
  // The packet with one letter of the last occurrence of `text` changed: the same ids and keys, another content.
  static ByteVec forged(const Frame& packet, std::string_view text) {
    ByteVec bytes(packet.view().begin(), packet.view().end());
    const auto at = text_of(bytes).rfind(text);
    EXPECT_NE(at, std::string_view::npos);
    bytes[at] ^= 0x20;
    return bytes;
  }

  // --- what goes out over a link since the last call
  std::vector<Packet> packets_to(LinkId to, mesh::Tag tag) {
    std::vector<Packet> found;
    for (const auto& payload : take(to, tag, "nostrp2p")) found.push_back(*decode_packet(payload, config.limits));
    return found;
  }
  // Likewise parts of our stream.
  std::vector<StreamPart> parts_to(LinkId to) {
    std::vector<StreamPart> found;
    for (const auto& payload : take(to, mesh::Tag::unicast, "np2p.stream")) {
      found.push_back(*decode_stream_part(payload, config.limits));
    }
    return found;
  }
  std::vector<Event> events_in(const StreamPart& part) {
    if (part.packet.empty()) return {};
    return decode_packet(part.packet.view(), config.limits)->events;
  }
  // Our own messages of one type.
  template <class Message>
  std::vector<Message> messages_to(LinkId to) {
    std::vector<Message> found;
    for (const auto& payload : take(to, mesh::Tag::unicast, "np2p")) {
      const auto message = decode_extension(payload, config.limits);
      if (!message.ok()) continue;
      if (const auto* one = std::get_if<Message>(&*message)) found.push_back(*one);
    }
    return found;
  }
  std::vector<Packet> handed_on() { return packets_to(other, mesh::Tag::broadcast); }
  std::vector<EventId> acknowledged() {
    std::vector<EventId> ids;
    for (const auto& payload : take(link, mesh::Tag::unicast, "np2p")) {
      const auto message = decode_extension(payload, config.limits);
      if (!message.ok()) continue;
      if (const auto* ack = std::get_if<Acknowledge>(&*message)) {
        ids.insert(ids.end(), ack->events.begin(), ack->events.end());
      }
    }
    return ids;
  }
  void disk_is_done() { node->durable(ports->sync()); }
  int rejected(const std::string& what) { return ports->rejections[what]; }

  Config config;
  Signer owner = Signer::from_seed(3, 1);
  Signer peer = Signer::from_seed(3, 2);
  Signer neighbour = Signer::from_seed(3, 3);
  LinkId link{101};
  LinkId other{102};
  std::unique_ptr<FakePorts> ports;
  std::unique_ptr<Node> node;

  // --- the same by hand
  void connect(LinkId at, const Signer& who) {
    const mesh::Features features = introduce(*node, at, who);
    // The neighbour's own record: a route is a link that both its ends gossip about.
    mesh::PeerSummary self;
    self.name = features.name;
    self.uid = features.uid;
    self.version = 2;
    mesh::Connection to_us;
    to_us.name = mesh_name(owner.public_key());
    to_us.address = "198.18.0.1:20000";
    to_us.outbound = true;
    to_us.established = true;
    ByteVec summary;
    ByteVec connections;
    mesh::append_summary(summary, self);
    mesh::append_connections(connections, {&to_us, 1});
    mesh::TopologyWriter topology;
    topology.add(summary, connections);
    node->frame(at, topology.finish(mesh::Tag::gossip, features.name));
  }
  void send(mesh::Tag tag, std::string_view channel, ByteView payload) {
    mesh::Message message;
    message.tag = tag;
    message.channel = channel;
    message.source = mesh_name(peer.public_key());
    message.destination = mesh_name(owner.public_key());
    message.payload = payload;
    node->frame(link, mesh::encode_message(message));
  }
  std::vector<ByteVec> take(LinkId to, mesh::Tag tag, std::string_view channel) {
    std::vector<ByteVec> payloads;
    std::erase_if(ports->sent, [&](const auto& sent) {
      if (sent.first != to) return false;
      const auto first = static_cast<mesh::Tag>(sent.second.view()[0]);
      if (first != tag) return false;
      const auto message = mesh::decode_message(sent.second.view(), config.limits);
      if (!message.ok() || message->channel != channel) return false;
      payloads.emplace_back(message->payload.begin(), message->payload.end());
      return true;
    });
    return payloads;
  }
};

}  // namespace np2p::test
