#include "simnet/eventful.h"

#include <algorithm>

#include "core/event/kinds.h"

namespace np2p::sim {

namespace {

constexpr std::uint64_t kUplinks[] = {20'000'000, 1'000'000, 256'000, 0};  // bits per second; 0: unlimited

// By the node's number, so that every sort is there: public, behind one box of either kind, behind two.
std::vector<NatSpec> boxes_of(NodeIndex node) {
  switch (node % 6) {
    case 1:
      return {port_restricted()};
    case 3:
      return {symmetric()};
    case 5:
      return {port_restricted(), full_cone()};
    default:
      return {};
  }
}

}  // namespace

void Eventful::run() {
  build();
  introduce();
  talk(nodes_);
  lose_machines();
  split();
  move_about();
  look_up();
  world_.run_for(120s);
}

void Eventful::build() {
  for (NodeIndex i = 0; i < nodes_; ++i) {
    NodeOptions node;
    node.nat = boxes_of(i);
    node.up_bits_per_s = kUplinks[i % std::size(kUplinks)];
    node.dial_from_listen_port = i % 6 == 1;
    node.config.overlay = overlay_;
    node.config.mode = i % 3 == 2 ? FeedMode::multicast : FeedMode::broadcast;
    node.config.replies = i % 4 == 1 ? Replies::everybody : Replies::tagged;
    if (i > 0) node.config.bootstrap.push_back(world_.address_of(0));
    if (i > 2) node.config.bootstrap.push_back(world_.address_of(2));
    world_.add_node(node);
  }
  for (NodeIndex i = 0; i < nodes_; ++i) world_.start(i);
  world_.run_for(60s);
}

void Eventful::introduce() {
  for (NodeIndex i = 0; i < nodes_; ++i) {
    publish(i, kind::profile, {}, "{\"name\":\"user " + std::to_string(i) + "\"}");
    Tags follows;
    for (const NodeIndex step : {1u, 2u, 5u}) {
      const std::string followed = world_.user((i + step) % nodes_).public_key().hex();
      follows.add({"p", followed});
    }
    publish(i, kind::follow_list, follows, "");
  }
  world_.run_for(20s);
}

void Eventful::talk(std::uint32_t rounds) {
  for (std::uint32_t i = 0; i < rounds; ++i) {
    const NodeIndex author = somebody();
    const NodeIndex named = somebody();
    if (world_.is_online(author)) post(author);
    if (world_.is_online(named) && named != author) {
      mention(named, author);
      react(named, author, posts_.back());
    }
    world_.run_for(2s);
  }
}

// A power cut, a crash with something unsafe, a disk that is gone, and an orderly end; meanwhile they are talked to.
void Eventful::lose_machines() {
  const NodeIndex dark = nodes_ - 1;
  world_.power_off(dark);
  mention(2, dark);
  post(4);
  world_.crash(4);
  world_.crash(6);
  world_.stop(8);
  mention(0, 8);
  world_.run_for(40s);
  world_.restart(4);
  world_.restart(6, true);
  world_.restart(8);
  talk(4);
  world_.run_for(120s);
  world_.restart(dark);
  world_.run_for(60s);
}

void Eventful::split() {
  std::vector<std::vector<NodeIndex>> groups(2);
  for (NodeIndex i = 0; i < nodes_; ++i) groups[i % 2].push_back(i);
  world_.partition(groups);
  world_.run_for(5s);
  post(0);
  mention(0, 1);
  post(1);
  world_.run_for(90s);
  post(2);
  mention(2, 3);
  world_.heal();
  world_.run_for(90s);
  world_.cut_one_way({7}, {0, 2});
  talk(2);
  world_.run_for(30s);
  world_.heal();
}

void Eventful::move_about() {
  world_.set_loss(20'000);
  world_.rebind_nat(1);
  world_.rebind_nat(5);
  world_.go_offline(3);
  mention(4, 3);
  world_.run_for(30s);
  world_.come_online(3, true);
  world_.run_for(120s);
  talk(4);
  world_.set_loss(0);
}

// Each asks its server for profiles that it may not hold, and looks again when an answer had time to come.
void Eventful::look_up() {
  std::vector<std::pair<NodeIndex, NodeIndex>> asked;
  for (NodeIndex i = 0; i < nodes_; ++i) {
    const NodeIndex author = (i + 3) % nodes_;
    if (!holds(i, author, kind::profile)) asked.emplace_back(i, author);
    if (!holds(i, author, kind::follow_list)) asked.emplace_back(i, author);
  }
  world_.run_for(10s);
  lookups_ = asked.size();
  for (const auto& [node, author] : asked) {
    const bool both = holds(node, author, kind::profile) && holds(node, author, kind::follow_list);
    answered_ += both ? 1u : 0u;
  }
}

std::size_t Eventful::mentions_delivered() const {
  std::size_t delivered = 0;
  for (const auto& [id, named] : mentions_) {
    const auto rows = world_.deliveries(id);
    const NodeIndex to = named;
    if (std::any_of(rows.begin(), rows.end(), [to](const DeliveryRow& row) { return row.node == to; })) ++delivered;
  }
  return delivered;
}

EventId Eventful::publish(NodeIndex author, std::uint16_t kind, const Tags& tags, const std::string& text) {
  const Event event = world_.user(author).sign(kind, unix_seconds(world_.wall()), tags, text);
  world_.publish(author, event);
  return event.id;
}

void Eventful::post(NodeIndex author) {
  posts_.push_back(publish(author, kind::post, {}, "post " + std::to_string(posts_.size())));
}

void Eventful::mention(NodeIndex author, NodeIndex named) {
  Tags tags;
  const std::string key = world_.user(named).public_key().hex();
  tags.add({"p", key});
  mentions_.emplace_back(publish(author, kind::post, tags, "hello " + std::to_string(mentions_.size())), named);
}

void Eventful::react(NodeIndex author, NodeIndex named, const EventId& to) {
  Tags tags;
  const std::string id = to.hex();
  tags.add({"e", id});
  const std::string key = world_.user(named).public_key().hex();
  tags.add({"p", key});
  publish(author, kind::reaction, tags, "+");
}

bool Eventful::holds(NodeIndex node, NodeIndex author, std::uint16_t kind) {
  ClientQuery query;
  query.filter.authors = std::vector<PubKey>{world_.user(author).public_key()};
  query.filter.kinds = std::vector<std::uint32_t>{kind};
  query.filter.limit = 1;
  return !world_.query(node, query).events.empty();
}

}  // namespace np2p::sim
