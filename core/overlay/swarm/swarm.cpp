#include "core/overlay/swarm/swarm.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/heap_bytes.h"
#include "core/wire/mesh_messages.h"

namespace np2p::swarm {
namespace {

// Larger for each later start, on whatever disk: the clock does not stand still between two starts.
std::uint64_t boot_number(const Host& host) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(host.clock.wall().ns, 1));
}

bool is_of_trees(const Message& message) noexcept {
  return std::holds_alternative<PathVector>(message) || std::holds_alternative<Gossip>(message) ||
         std::holds_alternative<IHave>(message) || std::holds_alternative<Graft>(message) ||
         std::holds_alternative<Prune>(message) || std::holds_alternative<Watch>(message);
}

}  // namespace

Swarm::Swarm(const Config& config, Host& host)
    : config_(config),
      host_(host),
      params_(config.swarm),
      links_(config, host, boot_number(host)),
      entrance_(config, host, links_),
      probes_(host, links_),
      reachability_(config, host, links_, probes_),
      hyparview_(config, params_, host, links_),
      paths_(params_, host, links_),
      plumtree_(config, host, links_, paths_),
      history_(config, host, links_, plumtree_),
      fingers_(config, host, links_),
      guard_(config, params_, host, links_, paths_, fingers_, entrance_),
      evidence_(config, host),
      directory_(config, host, links_, fingers_, evidence_),
      router_(config, host, links_, fingers_, boot_number(host)),
      locator_(config, host, links_, directory_, router_, evidence_, boot_number(host)),
      guardian_finder_(config, host, directory_, locator_, boot_number(host)),
      tunnels_(config, host, links_, router_),
      ladder_(config, host, links_, router_, tunnels_, probes_, reachability_),
      correspondence_(config, host, links_, locator_, ladder_),
      fanout_(config, host, links_, router_, tunnels_.relay()),
      cells_(config, host, router_, fanout_),
      head_links_(config, host, links_, locator_),
      cell_heads_(config, host, links_, router_, tunnels_.relay(), fanout_) {}

void Swarm::start() {
  reachability_.start();
  locator_.start();
  if (reachable()) fingers_.became_reachable();
  entrance_.start();
  hyparview_.set_anchors(entrance_.anchors());
  settle();
}

void Swarm::stop() {
  // The other ends of tunnels are told over links, which go last.
  for (const Peer& peer : std::vector<Peer>(links_.ready())) {
    if (peer.path == Path::tunnel) links_.close(peer.link, CloseReason::shutting_down);
  }
  while (const auto tunnel = links_.next_closed_tunnel()) tunnels_.closed(*tunnel);
  links_.close_all(CloseReason::shutting_down);
}

void Swarm::link_up(const LinkInfo& info) {
  if (reachability_.came_in(info)) {
    host_.network.close(info.link, CloseReason::duplicate_link);
  } else {
    links_.link_up(info);
  }
  settle();
}

void Swarm::frame(LinkId link, const Frame& frame) {
  Peer* peer = links_.find(link);
  if (peer == nullptr) peer = links_.successor(link);
  if (peer != nullptr && !links_.lets_in(*peer)) {
    return host_.observer.rejected("message", error(ErrorCode::rate_limited, "too many over this link"), link);
  }
  auto message = decode(frame.view(), config_.limits);
  if (!message.ok()) {
    if (peer == nullptr && mesh::decode_features(frame.view(), config_.limits).ok()) {  // what the mesh begins with
      host_.observer.rejected("link of another overlay", error(ErrorCode::forbidden, "it has mesh, we have hyparview"),
                              link);
      links_.close(link, CloseReason::protocol_error);
      return settle();
    }
    host_.observer.rejected("message", message.error(), link);
    if (message.error().code != ErrorCode::unknown_type) links_.close(link, CloseReason::protocol_error);
  } else if (const Hello* hello = std::get_if<Hello>(&*message)) {
    links_.hello(link, *hello);
    if (const Peer* known = links_.find(link)) hyparview_.peer_updated(*known);  // which may close links
    if (Peer* known = links_.find(link)) {
      offer_to_tree(*known);
      // Once per link: it may say that it can be dialled as often as it likes.
      if (known->reachable() && !std::exchange(known->was_handed, true)) directory_.appeared(*known);
      fingers_.peer_updated(*known);
    }
  } else if (peer != nullptr) {
    handle(*peer, *message, frame);
    if (std::holds_alternative<Probe>(*message)) return;
    if (is_of_trees(*message) && !links_.has_news()) return settle_trees();
  } else if (const HelloEcho* echo = std::get_if<HelloEcho>(&*message); echo != nullptr && links_.is_aside(link)) {
    static_cast<void>(links_.echo(link, *echo));
  } else {
    host_.observer.rejected("message", error(ErrorCode::forbidden, "before a Hello"), link);
  }
  settle();
}

void Swarm::handle(Peer& from, const Message& message, const Frame& whole) {
  std::visit(
      [&](const auto& m) {
        using T = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<T, HelloEcho>) {
          if (!links_.echo(from.link, m)) {
            return host_.observer.rejected("echo", error(ErrorCode::not_found, "nobody asked"), from.link);
          }
          reachability_.seen_at(from, m.observed);
          ladder_.placed();
        } else if constexpr (std::is_same_v<T, Probe>) {
          links_.probe(from.link, m);
        } else if constexpr (std::is_same_v<T, Unused>) {
          links_.unused(from.link, m);
        } else if constexpr (std::is_same_v<T, Gossip>) {
          plumtree_.on(from, m, whole);
        } else if constexpr (std::is_same_v<T, DialBack>) {
          reachability_.on(from, m);
        } else if constexpr (requires { hyparview_.on(from, m); }) {
          if constexpr (std::is_same_v<T, ShuffleReply>) {
            if (!hyparview_.awaits_sample(from)) return;
          }
          if constexpr (requires { m.sample; }) {
            for (const PeerRef& ref : m.sample) fingers_.heard(ref);
          }
          hyparview_.on(from, m);
        } else if constexpr (requires { fingers_.on(from, m); }) {
          fingers_.on(from, m);
        } else if constexpr (requires { directory_.on(from, m); }) {
          directory_.on(from, m);
        } else if constexpr (requires { router_.on(from, m); }) {
          router_.on(from, m);
        } else if constexpr (std::is_same_v<T, PathVector>) {
          if (guard_.on(from, m)) hyparview_.merge(from.link);
          paths_.on(from, m);
        } else if constexpr (requires { tunnels_.on(from, m); }) {
          tunnels_.on(from, m);
        } else if constexpr (requires { fanout_.on(from, m); }) {
          // A relay of a cell that we lead may be ourselves: both want to know.
          if constexpr (std::is_same_v<T, Receipt>) return fanout_.on(from, m, cell_heads_.on(from, m));
          if constexpr (std::is_same_v<T, Receipts>) {
            if (cell_heads_.on(from, m)) return;
          }
          fanout_.on(from, m);
        } else if constexpr (requires { plumtree_.on(from, m); }) {
          plumtree_.on(from, m);
        } else if constexpr (requires { history_.on(from, m); }) {
          history_.on(from, m);
        }
      },
      message);
}

void Swarm::handle(const Arrival& arrival) {
  const auto message = decode_cell(arrival.delivery.payload.view(), config_.limits);
  if (!message.ok()) return host_.observer.rejected("cell", message.error(), arrival.delivery.link);
  std::visit(
      [&](const auto& m) {
        if constexpr (requires { cells_.on(arrival, m); }) {
          if (m.cell < kFirstPart) return cells_.on(arrival, m);
        }
        cell_heads_.on(arrival, m);
      },
      *message);
}

void Swarm::link_down(LinkId link, CloseReason reason) {
  tunnels_.closed(link);
  links_.link_down(link, reason);
  settle();
}

void Swarm::port_mapped(const Address& outside) {
  reachability_.port_mapped(outside);
  settle();
}

void Swarm::writable(LinkId link) {
  const Peer* peer = links_.find(link);
  if (peer != nullptr && peer->path == Path::tunnel) correspondence_.writable();
  settle();
}

void Swarm::carry(LinkId tunnel, const Frame& record, Traffic traffic) {
  tunnels_.carry(tunnel, record, traffic);
  settle();
}

void Swarm::timer(Timer timer) {
  const MonoTime now = host_.clock.mono();
  if (timer == Timer::overlay_connect) {
    armed_connect_.reset();
    links_.set_servers(own_census(directory_, fingers_, links_));
    links_.due(now);
    entrance_.due(now);
    if (entrance_.wants_anchors(now)) entrance_.keep_anchors(hyparview_.oldest_dialled(Entrance::kAnchors));
    hyparview_.due(now);
    reachability_.due(now);
    probes_.due(now);
    guard_.due(now);
    ladder_.due(now);
    tunnels_.due(now);
    correspondence_.due(now);
    cells_.due(now);
    head_links_.due(now);
    cell_heads_.due(now);
    fanout_.due(now);
  } else if (timer == Timer::overlay_gossip) {
    armed_gossip_.reset();
    plumtree_.due(now);
    paths_.due(now);
    history_.due(now);
  } else if (timer == Timer::overlay_directory) {
    armed_directory_.reset();
    fingers_.due(now);
    guardian_finder_.due(now);
    locator_.due(now);
  }
  settle();
}

// In a world of many nodes each line of memory that is looked at was looked at long ago, so the parts that such a
// message cannot have reached are left alone.
void Swarm::settle_trees() {
  while (const auto change = paths_.next()) plumtree_.rerouted(*change);
  plumtree_.flush_routes();
  std::optional<MonoTime> gossip = plumtree_.next_due();
  for (const auto& at : {paths_.next_due(), history_.next_due()}) {
    if (at && (!gossip || *at < *gossip)) gossip = at;
  }
  arm(Timer::overlay_gossip, gossip, armed_gossip_);
}

void Swarm::settle_reachability() {
  if (!reachability_.take_news()) return;
  if (reachable()) {
    hyparview_.became_reachable();
    fingers_.became_reachable();
    plumtree_.became_reachable();
    for (const Peer& peer : std::vector<Peer>(links_.ready())) offer_to_tree(peer);
  } else {
    paths_.leave();
    for (const Peer& peer : std::vector<Peer>(links_.ready())) {
      if (!hyparview_.is_neighbour(peer.link)) plumtree_.neighbour_down(peer.link);
    }
    fingers_.became_unreachable();
    hyparview_.became_unreachable();
  }
  locator_.own_changed(hyparview_.active_links());
}

void Swarm::settle() {
  bool more = true;
  while (more) {
    more = false;
    while (const auto change = links_.next()) {
      more = true;
      if (change->kind == LinkChange::Kind::lost) {
        plumtree_.neighbour_down(change->link);
        paths_.link_down(change->link);
        history_.link_down(change->link);
      }
      if (change->kind == LinkChange::Kind::ready) {
        const Peer* peer = links_.find(change->link);
        if (peer != nullptr) hyparview_.linked(*peer);
        if (peer != nullptr) offer_to_tree(*peer);
        if (peer != nullptr) locator_.linked(*peer);
      }
      hyparview_.changed(*change);
      fingers_.changed(*change);
      entrance_.changed(*change, hyparview_.is_inside());
      guard_.changed(*change);
      reachability_.changed(*change);
      probes_.changed(*change);
      ladder_.changed(*change);
    }
    while (const auto seen = links_.next_seen()) {
      more = true;
      probes_.seen(*seen);
    }
    while (const auto result = probes_.next()) {
      more = true;
      if (!reachability_.probed(*result) && !ladder_.probed(*result)) probes_.release(result->probe);
    }
    settle_reachability();
    while (const auto change = paths_.next()) plumtree_.rerouted(*change);
    bool neighbours_changed = false;
    while (const auto change = hyparview_.next()) {
      more = true;
      neighbours_changed = true;
      if (change->up) {
        plumtree_.neighbour_up(change->link);
        history_.neighbour_up(change->link);
        const Peer* peer = links_.find(change->link);
        if (peer != nullptr && peer->reachable()) entrance_.remember(peer->ref(), peer->outbound);
      } else {
        const Peer* peer = links_.find(change->link);
        const bool stays = params_.trees > 0 && peer != nullptr && peer->reachable() && reachable();
        if (!stays) plumtree_.neighbour_down(change->link);
      }
    }
    if (neighbours_changed) locator_.own_changed(hyparview_.active_links());
    while (const auto answer = directory_.next()) {
      if (!guardian_finder_.answered(*answer)) locator_.answered(*answer);
    }
    while (const auto lost = router_.next_lost()) {
      locator_.lost(*lost);
      cells_.lost(*lost);
    }
    while (const BindingPtr binding = directory_.next_bound()) locator_.bound(binding);
    while (auto arrival = router_.next()) {
      more = true;
      const auto channel = static_cast<std::uint8_t>(arrival->delivery.channel);
      if (channel == kMeetingChannel) {
        ladder_.on(*arrival);
      } else if (channel == kCellChannel) {
        handle(*arrival);
      } else if (!is_for_a_feed(static_cast<Channel>(channel))) {
        host_.observer.rejected("unicast", error(ErrorCode::unknown_type, "an unknown channel"),
                                arrival->delivery.link);
      } else if (locator_.arrived(*arrival)) {
        ladder_.used(arrival->node);
        unicasts_.push_back(std::move(arrival->delivery));
      }
    }
    while (const auto user = fanout_.next_doubt()) locator_.doubt(*user);
    while (const auto found = locator_.next_found()) fanout_.moved(*found);
    while (auto copy = fanout_.next()) unicasts_.push_back(std::move(*copy));
    while (const auto outcome = ladder_.next()) {
      more = true;
      correspondence_.outcome(*outcome);
    }
    while (const auto tunnel = links_.next_closed_tunnel()) {
      more = true;
      tunnels_.closed(*tunnel);
    }
    locator_.set_nat(reachability_.nat());
    entrance_.inside(hyparview_.is_inside());
    while (const auto door = entrance_.next()) {
      more = true;
      hyparview_.join(*door);
    }
  }
  std::optional<MonoTime> connect = hyparview_.next_due();
  for (const auto& at : {links_.next_due(), entrance_.next_due(), guard_.next_due(), reachability_.next_due(),
                         probes_.next_due(), ladder_.next_due(), tunnels_.next_due(), correspondence_.next_due(),
                         fanout_.next_due(), cells_.next_due(), head_links_.next_due(), cell_heads_.next_due()}) {
    if (at && *at < *connect) connect = at;
  }
  arm(Timer::overlay_connect, connect, armed_connect_);
  settle_trees();
  arm_directory();
}

void Swarm::arm_directory() {
  std::optional<MonoTime> search = locator_.next_due();
  for (const auto& at : {fingers_.next_due(), guardian_finder_.next_due()}) {
    if (at && (!search || *at < *search)) search = at;
  }
  arm(Timer::overlay_directory, search, armed_directory_);
}

// Links that stand between reachable nodes carry broadcasts, too, whatever they were made for; unless Plumtree's own
// tree is the only one: that is the paper's, over the active view alone.
void Swarm::offer_to_tree(const Peer& peer) {
  if (!peer.reachable()) paths_.link_down(peer.link);
  if (params_.trees == 0 || !peer.reachable() || !reachable() || peer.path == Path::tunnel) return;
  plumtree_.neighbour_up(peer.link);
  paths_.link_up(peer.link);
  history_.neighbour_up(peer.link);
}

void Swarm::arm(Timer timer, std::optional<MonoTime> at, std::optional<MonoTime>& armed) {
  if (at == armed) return;
  armed = at;
  if (at) {
    host_.timers.arm(timer, *at);
  } else {
    host_.timers.cancel(timer);
  }
}

void Swarm::broadcast(Channel channel, const Frame& payload) {
  plumtree_.broadcast(channel, payload);
  settle();
}

void Swarm::forward(const Delivery& delivery, const Frame& payload) {
  if (delivery.past) return;
  plumtree_.forward(delivery, payload);
  settle();
}

void Swarm::remember(const Past& past) {
  history_.remember(past);
}

void Swarm::recalled(const Recall& recall, const Frame& payload) {
  history_.recalled(recall, payload);
  settle_trees();
}

bool Swarm::unicast(const PubKey& user, Channel channel, const Frame& payload, Priority priority) {
  const bool sent = correspondence_.send(user, channel, payload, priority);
  settle();
  return sent;
}

void Swarm::set_guardians(std::vector<PubKey> guardians) {
  guardian_finder_.set_own(std::move(guardians));
  settle();
}

void Swarm::find_guardians(const PubKey& user) {
  guardian_finder_.find(user);
  settle();
}

void Swarm::seek(const PubKey& user) {
  locator_.seek(user);
  settle();
}

void Swarm::look_for(const PubKey& user) {
  locator_.look_for(user);
  settle();
}

std::vector<PubKey> Swarm::copies(const std::vector<PubKey>& users, Channel channel, const Frame& payload,
                                  Priority priority, Assurance assurance) {
  const bool many = users.size() > config_.limits.direct_copies && assurance == Assurance::receipts;
  if (many) return copies_to_cells(users, channel, payload, priority);
  std::vector<PubKey> without;
  std::vector<Receiver> to;
  for (const PubKey& user : users) {
    auto found = locator_.find_for_copy(user);
    found ? to.push_back(std::move(*found)) : without.push_back(user);
  }
  fanout_.send(std::move(to), channel, payload, priority, assurance);
  settle();
  return without;
}

std::vector<PubKey> Swarm::copies_to_cells(const std::vector<PubKey>& users, Channel channel, const Frame& payload,
                                           Priority priority) {
  locator_.each_moved([&](const Receiver& one, const Coordinates& at) { cells_.moved(one, at); });
  std::vector<PubKey> without;
  std::vector<PubKey> to;
  for (const PubKey& user : users) {
    if (cells_.find(user) == nullptr) {
      if (const auto found = locator_.find_for_copy(user)) cells_.learn(*found, locator_.place_of(user));
    }
    (cells_.find(user) != nullptr ? to : without).push_back(user);
  }
  cells_.send(to, channel, payload, priority);
  head_links_.hold(cells_.heads());
  settle();
  return without;
}

std::optional<CopyOutcome> Swarm::next_outcome() {
  const auto outcome = fanout_.next_outcome();
  if (!outcome) return std::nullopt;
  if (outcome->received) {
    locator_.proved(outcome->node);
  } else if (outcome->tried) {
    locator_.lost(outcome->node);
    cells_.forget(outcome->user, outcome->node);
    settle();
  }
  return outcome;
}

void Swarm::receipt(const Delivery& copy) {
  if (!cell_heads_.receipt(copy)) fanout_.receipt(copy);
  settle();
}

void Swarm::keep(const PubKey& user, bool kept) {
  locator_.keep(user, kept);
  arm_directory();
}

void Swarm::bind(const EventPtr& event) {
  const BindingPtr binding = binding_of(event);
  if (!binding) return;
  directory_.learn(binding);
  locator_.bound(binding);
  settle();
}

std::optional<Delivery> Swarm::next() {
  if (auto delivery = plumtree_.next()) return delivery;
  if (auto delivery = history_.next()) return delivery;
  if (unicasts_.empty()) return std::nullopt;
  Delivery delivery = std::move(unicasts_.front());
  unicasts_.erase(unicasts_.begin());
  return delivery;
}

void Swarm::close_link(LinkId link, CloseReason reason) {
  links_.close(link, reason);
  settle();
}

std::vector<Overlay::Peer> Swarm::peers() const {
  std::vector<Overlay::Peer> list;
  for (const Peer& peer : links_.ready()) {
    list.push_back({mesh_name(peer.owner), peer.link, peer.remote, peer.outbound, true, peer.path});
  }
  return list;
}

std::vector<NodeId> Swarm::active_view() const {
  std::vector<NodeId> ids;
  for (const Peer& peer : links_.ready()) {
    if (peer.reachable() && hyparview_.is_neighbour(peer.link)) ids.push_back(peer.id);
  }
  return ids;
}

std::size_t Swarm::bytes() const noexcept {
  return sizeof *this + links_.bytes() + entrance_.bytes() + reachability_.bytes() + hyparview_.bytes() +
         paths_.bytes() + plumtree_.bytes() + history_.bytes() + fingers_.bytes() + directory_.bytes() +
         router_.bytes() + locator_.bytes() + guardian_finder_.bytes() + fanout_.bytes() + cells_.bytes() +
         head_links_.bytes() + cell_heads_.bytes() + heap_bytes(unicasts_);
}

OverlayStatus Swarm::status() const {
  OverlayStatus status;
  status.kind = OverlayKind::hyparview;
  status.dialled_at = links_.listens();
  status.asked = reachability_.has_asked();
  status.active = hyparview_.active_size();
  status.passive = hyparview_.passive().size();
  status.clients = hyparview_.client_count();
  status.relays = locator_.relays();
  status.relay_addresses.reserve(status.relays);
  for (const PeerRef& relay : locator_.home_relays()) status.relay_addresses.push_back(relay.address);
  status.trees = paths_.routes();
  status.published = locator_.is_published();
  status.servers = network_size();
  status.guarded = guard_.lookups();
  status.merged = guard_.merged();
  status.cells = cells_.count();
  status.largest_cell = cells_.largest();
  status.cells_led = cell_heads_.led();
  return status;
}

}  // namespace np2p::swarm
