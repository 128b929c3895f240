#include "core/node.h"

#include "core/feed/feed.h"
#include "core/overlay/overlay.h"

namespace np2p {

Node::Node(const Config& config, const Host& host)
    : host_(host),
      config_(config),
      overlay_(std::make_unique<Overlay>(config_, host_)),
      feed_(std::make_unique<Feed>(config_, host_, *overlay_)),
      api_(std::make_unique<Api>(config_, host_, *feed_)) {}

Node::~Node() = default;

void Node::start() {
  topology_seen_ = overlay_->topology_version();
  feed_->start();
  overlay_->start();
  drain();
}

void Node::stop() {
  overlay_->stop();
  host_.store.flush();
}

void Node::link_up(const LinkInfo& info) {
  overlay_->link_up(info);
  drain();
}

void Node::frame(LinkId link, const Frame& frame) {
  expire();
  overlay_->frame(link, frame);
  drain();
}

void Node::writable(LinkId link) {
  overlay_->writable(link);
  drain();
}

void Node::link_down(LinkId link, CloseReason reason) {
  overlay_->link_down(link, reason);
  feed_->link_down(link);
  drain();
}

void Node::port_mapped(const Address& outside) {
  overlay_->port_mapped(outside);
  drain();
}

void Node::carry(LinkId tunnel, const Frame& record, Traffic traffic) {
  overlay_->carry(tunnel, record, traffic);
  drain();
}

void Node::timer(Timer timer) {
  expire();
  switch (timer) {
    case Timer::overlay_connect:
    case Timer::overlay_gossip:
    case Timer::overlay_directory:
      overlay_->timer(timer);
      break;
    case Timer::outbox:
    case Timer::follow:
    case Timer::guardians:
    case Timer::flush:
    case Timer::mode:
      feed_->timer(timer);
      break;
    case Timer::count_:
      break;
  }
  drain();
}

void Node::durable(Ticket ticket) {
  api_->durable(ticket);
  feed_->durable(ticket);
  drain();
}

void Node::disk_failed() {
  api_->disk_failed();
}

void Node::publish(RequestId request, Event event, const Visitor& by, std::string_view text) {
  expire();
  api_->publish(request, std::move(event), by, text);
  drain();
}

bool Node::session_opened(SessionId session, const ClientOrigin& origin) {
  return api_->session_opened(session, origin);
}

void Node::session_text(SessionId session, std::string_view text) {
  expire();
  api_->session_text(session, text);
  drain();
}

void Node::session_writable(SessionId session) {
  api_->session_writable(session);
}

void Node::session_closed(SessionId session) {
  api_->session_closed(session);
}

Access& Node::access() noexcept {
  return api_->access();
}

QueryAnswer Node::query(const ClientQuery& query) {
  expire();
  QueryAnswer answer = api_->query(query);
  drain();
  return answer;
}

// Before anything is answered or handed on.
void Node::expire() {
  if (host_.store.expire(unix_seconds(host_.clock.wall())) > 0) host_.store.flush();
}

void Node::drain() {
  while (const auto delivery = overlay_->next()) {
    auto good = feed_->receive(*delivery);
    if (good && delivery->cast == Delivery::Cast::broadcast) overlay_->forward(*delivery, std::move(*good));
  }
  while (const auto recall = overlay_->next_recall()) overlay_->recalled(*recall, feed_->recall(recall->what));
  while (const auto outcome = overlay_->next_outcome()) feed_->copied(*outcome);
  while (const auto found = overlay_->next_guardians()) feed_->found(*found);
  if (overlay_->topology_version() != topology_seen_) {
    topology_seen_ = overlay_->topology_version();
    feed_->topology_changed();
  }
  for (const EventPtr& event : feed_->take_news()) api_->arrived(event);
}

const Config& Node::config() const noexcept {
  return config_;
}

NodeMemory Node::memory() const noexcept {
  return {overlay_->bytes(), sizeof *this + feed_->bytes() + api_->bytes()};
}

std::optional<NodeId> Node::server_of(const PubKey& user) const {
  return overlay_->server_of(user);
}

std::vector<NodeId> Node::active_view() const {
  return overlay_->active_view();
}

NodeStatus Node::status() const {
  NodeStatus status;
  for (const Overlay::Peer& peer : overlay_->peers()) {
    std::string name;
    for (int shift = 40; shift >= 0; shift -= 8) {
      const auto byte = static_cast<std::uint8_t>(peer.name >> shift);
      name += to_hex({&byte, 1});
    }
    status.neighbours.push_back({std::move(name), peer.remote, peer.outbound, peer.established, peer.path});
  }
  status.overlay = overlay_->status();
  status.reachable = overlay_->reachable_count();
  status.nat_class = overlay_->nat_class();
  status.sessions = api_->sessions();
  status.stored_events = host_.store.stats().events;
  status.outbox = feed_->outbox().size();
  status.follows = feed_->multicast().follows().size();
  status.registered_follows = feed_->multicast().follows().registered_count();
  status.identity = overlay_->identity();
  status.mode = feed_->mode().status();
  const Multicast& multicast = feed_->multicast();
  status.followers = multicast.followers().all().size();
  status.followers_behind = multicast.followers().behind().size();
  status.longest_behind = multicast.followers().longest_behind(NodeStatus::kMostNamed);
  status.posted = multicast.stream().last();
  status.streams = multicast.positions().size();
  status.streams_with_gaps = multicast.positions().with_gaps();
  status.forks = multicast.positions().forks();
  status.mail = multicast.guardians().status();
  return status;
}

}  // namespace np2p
