#include "core/overlay/overlay.h"
#include "core/wire/cell_messages.h"
#include "core/wire/extension.h"
#include "core/wire/packet.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {

using swarm::Carry;
using swarm::CarryEnd;
using swarm::Receipts;
using swarm::Routed;
using swarm::Spread;

bool BadCarrier::hears(LinkId link, const swarm::Message& message) {
  if (manner_ == Behaviour::withholding_head) return !is_for_a_cell(message);
  if (const Routed* routed = std::get_if<Routed>(&message)) {
    if (routed->to == means_.key.id()) return true;
    if (manner_ == Behaviour::swallowing_hop) acknowledge(link, *routed);
    return false;
  }
  if (const Spread* spread = std::get_if<Spread>(&message)) return hears_copies(link, *spread);
  if (manner_ == Behaviour::swallowing_hop) return true;
  if (const Carry* carry = std::get_if<Carry>(&message)) return carry->to == means_.key.id();
  if (const CarryEnd* end = std::get_if<CarryEnd>(&message)) return end->to == means_.key.id();
  return true;
}

bool BadCarrier::is_for_a_cell(const swarm::Message& message) const {
  const auto is_copy = [](std::uint8_t channel, const Frame& payload) {
    if (channel != swarm::kCellChannel) return false;
    const auto what = swarm::decode_cell(payload.view(), Limits{});
    return what.ok() && std::holds_alternative<swarm::CellCopy>(*what);
  };
  if (const auto* direct = std::get_if<swarm::Direct>(&message)) return is_copy(direct->channel, direct->payload);
  const auto* routed = std::get_if<Routed>(&message);
  return routed != nullptr && routed->to == means_.key.id() && is_copy(routed->channel, routed->payload);
}

// It keeps all copies that are not for itself; as a hop it gives receipts for them that it has made up.
bool BadCarrier::hears_copies(LinkId link, const Spread& message) {
  if (manner_ != Behaviour::swallowing_hop) return message.via != means_.key.id() || message.to.empty();
  Receipts forged{message.from_via, message.from, 0, message.tag, {}, {}};
  for (const swarm::ShortNode who : message.to) {
    swarm::Receipted one{who, {}};
    for (auto& byte : one.mac) byte = static_cast<std::uint8_t>(means_.rng.next());
    forged.got.push_back(one);
  }
  means_.send(link, forged);
  return false;
}

// What the recipient's server would say, as well as it can be made without its key: with a MAC out of thin air, with
// the one that everybody can compute, with that of the swallowed message, and from this host, which claims to serve the
// recipient.
void BadCarrier::acknowledge(LinkId link, const Routed& swallowed) {
  if (static_cast<Channel>(swallowed.channel) != Channel::packets) return;
  const auto packet = decode_packet(swallowed.payload.view(), Limits{});
  if (!packet.ok()) return;
  for (const Event& event : packet->events) {
    for (std::size_t i = 0; i < event.tags.size(); ++i) {
      const auto recipient = PubKey::parse_hex(event.tags[i].first());
      if (event.tags[i].name() != "p" || !recipient) continue;
      const Frame payload = encode_extension(Acknowledge{*recipient, {event.id}});
      Routed forged;
      forged.via = swallowed.from_via;
      forged.to = swallowed.from;
      forged.from = swallowed.to;
      forged.from_via = swallowed.via;
      forged.boot = swallowed.boot;
      forged.counter = swallowed.counter;
      forged.channel = static_cast<std::uint8_t>(Channel::extension);
      forged.source = *recipient;
      forged.payload = payload;
      means_.send(link, forged);
      forged.mac = swallowed.mac;
      means_.send(link, forged);
      for (auto& byte : forged.mac) byte = static_cast<std::uint8_t>(means_.rng.next());
      means_.send(link, forged);
      forged.from = means_.key.id();
      forged.mac = {};
      sign(forged, means_);
      means_.send(link, forged);
      means_.send(link, swarm::Direct{forged.channel, payload});
    }
  }
}

}  // namespace np2p::sim
