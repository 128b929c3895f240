#include "core/overlay/mesh/mesh.h"

#include <algorithm>

#include "core/wire/swarm_messages.h"

namespace np2p::mesh {
namespace {

constexpr Duration kGossipInterval = 30s;  // everything we know, to random neighbours
constexpr Duration kUpdateDelay = 1s;      // changes of our own connections are gathered for this long
constexpr Duration kConnectDelay = 100ms;  // and what may be worth a dial
constexpr std::uint64_t kShortIds = 1u << 12;

std::uint64_t draw_uid(Rng& rng) {
  const std::uint64_t uid = rng.next();
  return uid == 0 ? 1 : uid;  // 0 marks peers that are known by name only
}

Name name_of(const PubKey& user) noexcept {
  return mesh_name(user);
}

// One draw a statement: as two arguments of one call, compilers would draw them in different orders.
Topology make_topology(Name own, Rng& rng, const Limits& limits) {
  const auto short_id = static_cast<std::uint16_t>(rng.below(kShortIds));
  const std::uint64_t uid = draw_uid(rng);
  return Topology(own, uid, short_id, limits);
}

}  // namespace

// A restart must come with another uid, or the others would take our new record for an older one of ours: hence the
// wall clock in the stream's index.
Mesh::Mesh(const Config& config, Host& host)
    : config_(config),
      host_(host),
      rng_(config.seed, "mesh", static_cast<std::uint64_t>(host.clock.wall().ns)),
      own_name_(name_of(config.owner)),
      topology_(make_topology(own_name_, rng_, config.limits)),
      routes_(topology_),
      maker_(config, host, rng_) {}

void Mesh::start() {
  gossip_at_ = host_.clock.mono() + kGossipInterval;
  connect();
  arm();
}

void Mesh::stop() {
  for (const Link& link : links_) host_.network.close(link.id, CloseReason::shutting_down);
  links_.clear();
  joined_ = 0;
  for (auto* at : {&update_at_, &collect_at_, &gossip_at_, &connect_at_, &armed_connect_, &armed_gossip_}) at->reset();
  host_.timers.cancel(Timer::overlay_connect);
  host_.timers.cancel(Timer::overlay_gossip);
}

Mesh::Link* Mesh::find(LinkId link) noexcept {
  const auto at =
      std::lower_bound(links_.begin(), links_.end(), link, [](const Link& a, LinkId id) { return a.id < id; });
  return at != links_.end() && at->id == link ? &*at : nullptr;
}

Mesh::Link* Mesh::connection(Slot slot) noexcept {
  return slot < connections_.size() && connections_[slot] ? find(connections_[slot]) : nullptr;
}

void Mesh::link_up(const LinkInfo& info) {
  if (links_.size() >= config_.limits.links) {
    host_.network.close(info.link, CloseReason::crowded);
    maker_.ended(info.link, false);
    return;
  }
  Link link;
  link.id = info.link;
  link.outbound = info.outbound;
  link.remote = maker_.knows(info.link) ? maker_.address(info.link) : info.remote;
  link.address_text = link.remote.text();
  link.uid = rng_.next();
  const auto at =
      std::lower_bound(links_.begin(), links_.end(), link.id, [](const Link& a, LinkId id) { return a.id < id; });
  const PeerRecord& own = topology_.at(kOwn);
  const Frame features = encode_features(
      {.name = own_name_, .nick_name = {}, .short_id = own.short_id, .uid = own.uid, .connection_id = link.uid});
  links_.insert(at, std::move(link));
  host_.network.send(info.link, features, Priority::control, Traffic::control);
}

void Mesh::frame(LinkId id, const Frame& frame) {
  Link* link = find(id);
  if (link == nullptr) return;
  if (!link->joined) {
    introduce(*link, frame);
    arm();
    return;
  }
  const ByteView bytes = frame.view();
  if (bytes.empty()) return;
  const auto tag = static_cast<Tag>(bytes[0]);
  if (tag < Tag::gossip || tag == Tag::overlay_control) return;  // heartbeats, and what plain peers never use
  if (tag > Tag::overlay_control) {
    const Error why = error(ErrorCode::unknown_type, "unknown mesh message");
    if (link->faults.add(host_.clock.mono(), config_.limits)) {
      refuse(id, "mesh", why);
      arm();
    } else {
      host_.observer.rejected("mesh", why, id);
    }
    return;
  }
  const auto message = decode_message(bytes, config_.limits);
  if (!message.ok()) {
    refuse(id, "mesh", message.error());
  } else if (message->channel == kTopologyChannel && message->tag != Tag::unicast) {
    on_topology(*link, *message, frame);
  } else if (message->tag == Tag::unicast) {
    on_unicast(*link, *message, frame);
  } else if (message->tag == Tag::broadcast) {
    on_broadcast(*link, *message, frame);
  } else {
    on_unknown_gossip(*link, *message);
  }
  arm();
}

// The features of a peer: who it is, and whether the connection may stay.
void Mesh::introduce(Link& link, const Frame& frame) {
  const auto features = decode_features(frame.view(), config_.limits);
  if (!features.ok()) {
    const auto other = swarm::decode(frame.view(), config_.limits);
    if (!other.ok() || !std::holds_alternative<swarm::Hello>(*other)) {
      return refuse(link.id, "features", features.error());
    }
    return refuse(link.id, "link of another overlay", error(ErrorCode::forbidden, "it has hyparview, we have mesh"));
  }
  link.uid ^= features->connection_id;
  if (features->name == own_name_) {
    // Ourselves over some other address of ours, or somebody with our name: neither will ever be worth a dial.
    if (features->uid != topology_.at(kOwn).uid) host_.observer.noted("a peer has our name");
    return drop(link.id, CloseReason::duplicate_link, Again::never);
  }
  Slot slot = topology_.find(features->name);
  const bool welcome = !link.outbound || maker_.is_direct(link.id);
  if (slot == kNoSlot && welcome) slot = topology_.add(*features);
  if (slot == kNoSlot) return drop(link.id, CloseReason::local);
  routes_.invalidate();
  const LinkId id = link.id;
  const bool restarted = topology_.at(slot).uid != features->uid;
  if (!settle_duplicate(link, slot)) return drop(id, CloseReason::duplicate_link);
  if (joined_ >= config_.limits.mesh_connections) {
    // The newcomer stays in the topology without a connection until it is collected.
    if (!collect_at_) collect_at_ = host_.clock.mono() + kUpdateDelay;
    return drop(id, CloseReason::crowded);
  }
  join(*find(id), slot, restarted);
}

// False if a connection that we have already to this peer stays, or if neither can.
bool Mesh::settle_duplicate(const Link& link, Slot slot) {
  const Link* other = connection(slot);
  if (other == nullptr) return true;
  if (link.uid > other->uid) return false;
  const bool won = link.uid < other->uid;
  const LinkId loser = other->id;
  host_.network.close(loser, CloseReason::duplicate_link);
  maker_.ended(loser, false);
  links_.erase(links_.begin() + (other - links_.data()));
  --joined_;
  // The peer keeps its record: the connection that won takes its place in the same breath.
  if (!won) {
    publish_own();
    own_changed(std::nullopt);
    collect();
  }
  return won;
}

void Mesh::join(Link& link, Slot slot, bool restarted) {
  const bool known = routes_.established(slot);
  link.joined = true;
  link.slot = slot;
  ++joined_;
  const LinkId id = link.id;
  const Name name = topology_.at(slot).name;
  maker_.connected(id);
  publish_own();
  own_changed(name);
  renew_short_id();
  if (restarted || !known) {
    std::vector<Frame> encoded;
    gossip(*find(id), topology_.names(), encoded);
  }
  want_connect(kConnectDelay);
  host_.observer.noted("peer " + name_text(name) + " joined");
}

// Closes a link for a reason of ours.
void Mesh::drop(LinkId link, CloseReason reason, Again again) {
  host_.network.close(link, reason);
  forget(link, again);
}

void Mesh::forget(LinkId id, Again again) {
  maker_.ended(id, again == Again::never);
  want_connect(kConnectDelay);
  const Link* link = find(id);
  if (link == nullptr) return;
  const bool joined = link->joined;
  links_.erase(links_.begin() + (link - links_.data()));
  if (!joined) return;
  --joined_;
  publish_own();
  collect();
  own_changed(std::nullopt);
}

void Mesh::close_link(LinkId link, CloseReason reason) {
  if (find(link) == nullptr) return;
  drop(link, reason);
  arm();
}

void Mesh::link_down(LinkId link, CloseReason /*reason*/) {
  forget(link, Again::later);
  arm();
}

// Our record says our connections as they are now.
void Mesh::publish_own() {
  std::vector<Connection> connections;
  connections.reserve(joined_);
  for (const Link& link : links_) {
    if (!link.joined) continue;
    connections.push_back({.name = topology_.at(link.slot).name,
                           .address = link.address_text,
                           .outbound = link.outbound,
                           .established = true});
  }
  std::sort(connections.begin(), connections.end(),
            [](const Connection& a, const Connection& b) { return a.name < b.name; });
  topology_.set_own(connections);
  connections_.assign(topology_.slots(), LinkId{});
  for (const Link& link : links_)
    if (link.joined) connections_[link.slot] = link.id;
  routes_.invalidate();
}

// Our record has a new version, which the others have to hear of (and of `other`, a peer that just came).
void Mesh::own_changed(std::optional<Name> other) {
  if (other) changed_.push_back(*other);
  if (!update_at_) update_at_ = host_.clock.mono() + kUpdateDelay;
}

void Mesh::renew_short_id() {
  if (topology_.renew_short_id([this](std::uint64_t bound) { return rng_.below(bound); })) own_changed(std::nullopt);
}

void Mesh::collect() {
  collect_at_.reset();
  if (topology_.collect(routes_.next_hops()) == 0) return;
  routes_.invalidate();
  renew_short_id();
}

void Mesh::connect() {
  connect_at_.reset();
  std::vector<ConnectionMaker::Neighbour> neighbours;
  for (const Link& link : links_)
    if (link.joined) neighbours.push_back({link.slot, link.remote});
  connect_at_ = maker_.run(topology_, neighbours, joined_ >= config_.limits.mesh_connections);
}

void Mesh::want_connect(Duration delay) {
  const MonoTime at = host_.clock.mono() + delay;
  if (!connect_at_ || at < *connect_at_) connect_at_ = at;
}

void Mesh::timer(Timer timer) {
  const MonoTime now = host_.clock.mono();
  const auto due = [now](const std::optional<MonoTime>& at) { return at && *at <= now; };
  if (timer == Timer::overlay_connect) {
    armed_connect_.reset();
    if (due(connect_at_)) connect();
  }
  if (timer == Timer::overlay_gossip) {
    armed_gossip_.reset();
    if (due(collect_at_)) collect();
    if (due(update_at_)) {
      update_at_.reset();
      std::vector<Name> names = std::move(changed_);
      changed_.clear();
      names.push_back(own_name_);
      std::sort(names.begin(), names.end());
      names.erase(std::unique(names.begin(), names.end()), names.end());
      spread(names, kNoSlot);
    }
    if (due(gossip_at_)) {
      gossip_at_ = *gossip_at_ + kGossipInterval;
      gossip_timer();
    }
  }
  arm();
}

void Mesh::arm() {
  const auto tell = [this](Timer timer, const std::optional<MonoTime>& at, std::optional<MonoTime>& armed) {
    if (!at || at == armed) return;
    armed = at;
    host_.timers.arm(timer, *at);
  };
  tell(Timer::overlay_connect, connect_at_, armed_connect_);
  std::optional<MonoTime> next = gossip_at_;
  for (const auto& at : {update_at_, collect_at_})
    if (at && (!next || *at < *next)) next = at;
  tell(Timer::overlay_gossip, next, armed_gossip_);
}

std::vector<Overlay::Peer> Mesh::peers() const {
  std::vector<Overlay::Peer> peers;
  for (const Link& link : links_) {
    const Name name = link.joined ? topology_.at(link.slot).name : 0;
    peers.push_back({name, link.id, link.remote, link.outbound, link.joined});
  }
  std::sort(peers.begin(), peers.end(),
            [](const auto& a, const auto& b) { return a.name != b.name ? a.name < b.name : a.link < b.link; });
  return peers;
}

std::size_t Mesh::bytes() const noexcept {
  return sizeof *this + topology_.bytes() + routes_.bytes() + maker_.bytes() +
         heap_bytes(links_, [](const Link& link) { return heap_bytes(link.pending); }) + heap_bytes(connections_) +
         heap_bytes(deliveries_) + heap_bytes(changed_) + heap_bytes(recent_) + heap_bytes(recent_set_);
}

}  // namespace np2p::mesh
