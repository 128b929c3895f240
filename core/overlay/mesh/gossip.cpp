// What travels over the connections of the mesh: topology gossip, broadcasts and unicasts (see mesh.h).
#include <algorithm>

#include "core/base/hash.h"
#include "core/overlay/mesh/mesh.h"

namespace np2p::mesh {
namespace {

// A link with more unsent bytes than this gets no topology until it drains; what changes meanwhile is merged.
constexpr std::size_t kBusyBytes = 256 * 1024;
constexpr Duration kRecent = 30s;
constexpr Duration kCollectDelay = 1s;
constexpr Duration kConnectDelay = 100ms;

struct Named {
  Channel channel;
  std::string_view name;
};
constexpr Named kChannels[] = {
    {Channel::packets, "nostrp2p"}, {Channel::extension, "np2p"}, {Channel::stream, "np2p.stream"}};

std::string_view name_of(Channel channel) noexcept {
  for (const Named& one : kChannels) {
    if (one.channel == channel) return one.name;
  }
  return {};
}

std::optional<Channel> channel_of(std::string_view name) noexcept {
  for (const Named& one : kChannels) {
    if (one.name == name) return one.channel;
  }
  return std::nullopt;
}

PubKey key_of(Name name) noexcept {
  PubKey key;
  for (std::size_t i = PubKey::size; i-- > PubKey::size - 6; name >>= 8) key.data[i] = static_cast<std::uint8_t>(name);
  return key;
}

Traffic traffic_of(Priority priority) noexcept {
  return priority == Priority::control ? Traffic::control : Traffic::payload;
}

}  // namespace

void Mesh::refuse(LinkId link, std::string_view what, const Error& why) {
  host_.observer.rejected(what, why, link);
  drop(link, CloseReason::protocol_error);
}

void Mesh::on_topology(const Link& link, const Message& message, const Frame& frame) {
  const Slot from = link.slot;
  const auto update = topology_.apply(message.payload);
  if (!update.ok()) return refuse(link.id, "topology", update.error());
  if (update->overflow)
    host_.observer.rejected("topology", error(ErrorCode::too_large, "more peers than the limit"), link.id);
  if (!collect_at_) collect_at_ = host_.clock.mono() + kCollectDelay;
  if (update->own_changed) own_changed(std::nullopt);
  if (update->short_id_lost) renew_short_id();
  if (update->edges_changed) {
    routes_.invalidate();
    want_connect(kConnectDelay);
  }
  if (message.tag == Tag::broadcast) {
    const Slot source = topology_.find(message.source);
    if (source != kNoSlot && source != kOwn && first_time(frame.hash()))
      send_down(frame, source, Priority::control, Traffic::control);
  } else if (!update->improved.empty()) {
    spread(update->improved, from);
  }
}

void Mesh::on_broadcast(const Link& link, const Message& message, const Frame& frame) {
  if (message.source == own_name_) {  // trees of nodes that know different topologies may form a circle
    host_.observer.frame_was(Traffic::duplicate);
    return;
  }
  // Ours are handed on by forward(), once their owner has found them good; others' we cannot read.
  if (const auto channel = channel_of(message.channel)) return deliver(link, message, *channel, frame);
  const bool fresh = first_time(frame.hash());
  host_.observer.frame_was(fresh ? Traffic::relay : Traffic::duplicate);
  const Slot source = topology_.find(message.source);
  if (fresh && source != kNoSlot) send_down(frame, source, Priority::post, Traffic::relay);
}

void Mesh::forward(const Delivery& delivery, const Frame& payload) {
  const Name source = mesh_name(delivery.source);
  const Slot slot = topology_.find(source);
  if (payload.empty() || slot == kNoSlot || slot == kOwn) return;
  const bool whole = payload == delivered_payload_ && source == delivered_source_;
  const Frame frame = whole ? delivered_frame_
                            : encode_message({.tag = Tag::broadcast,
                                              .channel = name_of(delivery.channel),
                                              .source = source,
                                              .payload = payload.view()});
  send_down(frame, slot, Priority::post, Traffic::payload);
}

void Mesh::on_unicast(const Link& link, const Message& message, const Frame& frame) {
  if (message.destination == own_name_) {
    const auto channel = channel_of(message.channel);
    if (message.channel == kTopologyChannel)
      return refuse(link.id, "topology", error(ErrorCode::unknown_type, "topology sent as unicast"));
    if (channel) deliver(link, message, *channel, frame);
    return;
  }
  host_.observer.frame_was(Traffic::relay);
  const Slot to = topology_.find(message.destination);
  const Slot hop = to == kNoSlot ? kNoSlot : routes_.next_hop(to);
  const Link* next = hop == kNoSlot ? nullptr : connection(hop);
  if (next == nullptr || next->id == link.id) {
    host_.observer.rejected("unicast", error(ErrorCode::unreachable, "no route for somebody else's message"), link.id);
    return;
  }
  send(*next, frame, Priority::post, Traffic::relay);
}

// Gossip on other channels than the topology's: ours never use it, others' is handed on once.
void Mesh::on_unknown_gossip(const Link& link, const Message& message) {
  if (channel_of(message.channel)) return;
  host_.observer.frame_was(Traffic::relay);
  const std::uint64_t hash = combine64(hash_bytes(bytes_of(message.channel)), hash_bytes(message.payload));
  if (!first_time(hash)) return;
  Message ours = message;
  ours.source = own_name_;
  const Frame frame = encode_message(ours);
  for (const Slot slot : routes_.random_neighbours(link.slot, rng_))
    if (const Link* next = connection(slot)) send(*next, frame, Priority::bulk, Traffic::relay);
}

void Mesh::deliver(const Link& link, const Message& message, Channel channel, const Frame& frame) {
  const bool unicast = message.tag == Tag::unicast;
  // Who handed a unicast on counted it as relayed; for us it is not.
  if (unicast && topology_.at(link.slot).name != message.source)
    host_.observer.frame_was(carries_events(channel) ? Traffic::payload : Traffic::control);
  const Frame payload(message.payload);
  if (!unicast) {
    delivered_frame_ = frame;
    delivered_payload_ = payload;
    delivered_source_ = message.source;
  }
  deliveries_.push_back({channel, unicast ? Delivery::Cast::unicast : Delivery::Cast::broadcast, key_of(message.source),
                         payload, link.id});
}

std::optional<Delivery> Mesh::next() {
  if (deliveries_.empty()) return std::nullopt;
  Delivery delivery = std::move(deliveries_.front());
  deliveries_.pop_front();
  return delivery;
}

// Topology to about 2 log2 N neighbours, encoded once.
void Mesh::spread(const std::vector<Name>& names, Slot except) {
  std::vector<Frame> encoded;
  for (const Slot slot : routes_.random_neighbours(except, rng_))
    if (Link* link = connection(slot)) gossip(*link, names, encoded);
}

void Mesh::gossip(Link& link, const std::vector<Name>& names, std::vector<Frame>& encoded) {
  if (!link.pending.empty() || host_.network.queued_bytes(link.id) > kBusyBytes) {
    std::vector<Name> merged;
    merged.reserve(link.pending.size() + names.size());
    std::vector<Name> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    std::set_union(link.pending.begin(), link.pending.end(), sorted.begin(), sorted.end(), std::back_inserter(merged));
    link.pending = std::move(merged);
    flush(link);
    return;
  }
  if (encoded.empty()) encoded = topology_.encode(names);
  for (const Frame& frame : encoded) send(link, frame, Priority::control, Traffic::control);
}

void Mesh::flush(Link& link) {
  if (link.pending.empty() || host_.network.queued_bytes(link.id) > kBusyBytes) return;
  const std::vector<Frame> frames = topology_.encode(link.pending);
  link.pending.clear();
  for (const Frame& frame : frames) send(link, frame, Priority::control, Traffic::control);
}

void Mesh::writable(LinkId id) {
  if (Link* link = find(id)) flush(*link);
}

void Mesh::gossip_timer() {
  for (Link& link : links_) flush(link);
  spread(topology_.names(), kNoSlot);
}

// To those whom we serve in the tree of `source`.
void Mesh::send_down(const Frame& frame, Slot source, Priority priority, Traffic traffic) {
  for (const Slot slot : routes_.broadcast_hops(source))
    if (const Link* link = connection(slot)) send(*link, frame, priority, traffic);
}

bool Mesh::first_time(std::uint64_t hash) {
  const MonoTime now = host_.clock.mono();
  while (!recent_.empty() && (now - recent_.front().at > kRecent || recent_.size() >= config_.limits.mesh_recent)) {
    recent_set_.erase(recent_.front().hash);
    recent_.pop_front();
  }
  if (!recent_set_.insert(hash).second) return false;
  recent_.push_back({now, hash});
  return true;
}

void Mesh::send(const Link& link, const Frame& frame, Priority priority, Traffic traffic) {
  host_.network.send(link.id, frame, priority, traffic);
}

void Mesh::broadcast(Channel channel, const Frame& payload, Priority priority) {
  const Frame frame = encode_message(
      {.tag = Tag::broadcast, .channel = name_of(channel), .source = own_name_, .payload = payload.view()});
  send_down(frame, kOwn, priority, traffic_of(priority));
}

bool Mesh::reaches(Name name) {
  const Slot slot = topology_.find(name);
  return slot != kNoSlot && slot != kOwn && routes_.next_hop(slot) != kNoSlot;
}

bool Mesh::unicast(Name to, Channel channel, const Frame& payload, Priority priority) {
  if (!reaches(to)) return false;
  const Link* link = connection(routes_.next_hop(topology_.find(to)));
  if (link == nullptr) return false;
  const Frame frame = encode_message({.tag = Tag::unicast,
                                      .channel = name_of(channel),
                                      .source = own_name_,
                                      .destination = to,
                                      .payload = payload.view()});
  send(*link, frame, priority, traffic_of(priority));
  return true;
}

}  // namespace np2p::mesh
