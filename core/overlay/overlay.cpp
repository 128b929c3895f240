#include "core/overlay/overlay.h"

#include "core/event/sha256.h"
#include "core/overlay/mesh/mesh.h"
#include "core/overlay/swarm/swarm.h"

namespace np2p {

std::uint64_t copy_tag(const Frame& payload) {
  const Sha256 digest = sha256(payload.view());
  std::uint64_t tag = 0;
  for (std::size_t i = 0; i < sizeof tag; ++i) tag = tag << 8 | digest[i];
  return tag;
}

std::uint64_t mesh_name(const PubKey& user) noexcept {
  std::uint64_t name = 0;
  for (std::size_t i = PubKey::size - 6; i < PubKey::size; ++i) name = name << 8 | user.data[i];
  return name;
}

Overlay::Overlay(const Config& config, Host& host) {
  switch (config.overlay) {
    case OverlayKind::mesh:
      mesh_ = std::make_unique<mesh::Mesh>(config, host);
      break;
    case OverlayKind::hyparview:
      swarm_ = std::make_unique<swarm::Swarm>(config, host);
      break;
  }
}
Overlay::~Overlay() = default;

void Overlay::start() {
  mesh_ ? mesh_->start() : swarm_->start();
}

void Overlay::stop() {
  mesh_ ? mesh_->stop() : swarm_->stop();
}

void Overlay::link_up(const LinkInfo& info) {
  mesh_ ? mesh_->link_up(info) : swarm_->link_up(info);
}

void Overlay::frame(LinkId link, const Frame& frame) {
  mesh_ ? mesh_->frame(link, frame) : swarm_->frame(link, frame);
}

void Overlay::writable(LinkId link) {
  mesh_ ? mesh_->writable(link) : swarm_->writable(link);
}

void Overlay::link_down(LinkId link, CloseReason reason) {
  mesh_ ? mesh_->link_down(link, reason) : swarm_->link_down(link, reason);
}

void Overlay::port_mapped(const Address& outside) {
  if (swarm_) swarm_->port_mapped(outside);
}

void Overlay::carry(LinkId tunnel, const Frame& record, Traffic traffic) {
  if (swarm_) swarm_->carry(tunnel, record, traffic);
}

void Overlay::timer(Timer timer) {
  mesh_ ? mesh_->timer(timer) : swarm_->timer(timer);
}

void Overlay::broadcast(Channel channel, Frame payload, Priority priority) {
  mesh_ ? mesh_->broadcast(channel, payload, priority) : swarm_->broadcast(channel, payload);
}

void Overlay::forward(const Delivery& delivery, Frame payload) {
  mesh_ ? mesh_->forward(delivery, payload) : swarm_->forward(delivery, payload);
}

void Overlay::keep(const PubKey& user, bool kept) {
  if (swarm_) swarm_->keep(user, kept);
}

void Overlay::remember(const Past& past) {
  if (swarm_) swarm_->remember(past);
}

std::optional<Recall> Overlay::next_recall() {
  return swarm_ ? swarm_->next_recall() : std::nullopt;
}

void Overlay::recalled(const Recall& recall, Frame payload) {
  if (swarm_) swarm_->recalled(recall, payload);
}

void Overlay::close_link(LinkId link, CloseReason reason) {
  mesh_ ? mesh_->close_link(link, reason) : swarm_->close_link(link, reason);
}

void Overlay::bind(const EventPtr& event) {
  if (swarm_) swarm_->bind(event);
}

void Overlay::set_guardians(std::vector<PubKey> guardians) {
  if (swarm_) swarm_->set_guardians(std::move(guardians));
}

ByteVec Overlay::guardian_record() {
  return swarm_ ? swarm_->guardian_finder().own_record() : ByteVec{};
}

bool Overlay::renew_guardians(const PubKey& user, const ByteVec& record) {
  return swarm_ && swarm_->guardian_finder().renew(user, record);
}

void Overlay::find_guardians(const PubKey& user) {
  if (swarm_) swarm_->find_guardians(user);
}

std::optional<GuardiansOf> Overlay::next_guardians() {
  return swarm_ ? swarm_->guardian_finder().next() : std::nullopt;
}

Identity Overlay::identity() const {
  return swarm_ ? swarm_->identity() : Identity{};
}

bool Overlay::unicast(const PubKey& user, Channel channel, Frame payload, Priority priority) {
  return mesh_ ? mesh_->unicast(mesh_name(user), channel, payload, priority)
               : swarm_->unicast(user, channel, payload, priority);
}

std::vector<PubKey> Overlay::copies(const std::vector<PubKey>& users, Channel channel, const Frame& payload,
                                    Priority priority, Assurance assurance) {
  if (swarm_) return swarm_->copies(users, channel, payload, priority, assurance);
  std::vector<PubKey> without;
  for (const PubKey& user : users) {
    if (!mesh_->unicast(mesh_name(user), channel, payload, priority)) without.push_back(user);
  }
  return without;
}

std::optional<CopyOutcome> Overlay::next_outcome() {
  return swarm_ ? swarm_->next_outcome() : std::nullopt;
}

void Overlay::receipt(const Delivery& copy) {
  if (swarm_) swarm_->receipt(copy);
}

bool Overlay::reaches(const PubKey& user) const {
  return mesh_ ? mesh_->reaches(mesh_name(user)) : swarm_->reaches(user);
}

void Overlay::seek(const PubKey& user) {
  if (swarm_) swarm_->seek(user);
}

void Overlay::look_for(const PubKey& user) {
  if (swarm_) swarm_->look_for(user);
}

std::size_t Overlay::reachable_count() const {
  return mesh_ ? mesh_->reachable() : swarm_->reachable_count();
}

std::size_t Overlay::network_size() const {
  return mesh_ ? mesh_->reachable() + 1 : swarm_->network_size();
}

std::uint64_t Overlay::topology_version() const noexcept {
  return mesh_ ? mesh_->version() : swarm_->version();
}

std::vector<Overlay::Peer> Overlay::peers() const {
  return mesh_ ? mesh_->peers() : swarm_->peers();
}

std::optional<NodeId> Overlay::server_of(const PubKey& user) const {
  return swarm_ ? swarm_->server_of(user) : std::nullopt;
}

std::vector<NodeId> Overlay::active_view() const {
  return swarm_ ? swarm_->active_view() : std::vector<NodeId>{};
}

OverlayStatus Overlay::status() const {
  if (swarm_) return swarm_->status();
  OverlayStatus status;
  status.servers = network_size();
  for (const Peer& peer : mesh_->peers()) status.active += peer.established ? 1u : 0u;
  return status;
}

std::size_t Overlay::bytes() const noexcept {
  return sizeof *this + (mesh_ ? mesh_->bytes() : swarm_->bytes());
}

std::string_view Overlay::nat_class() const {
  return mesh_ ? std::string_view{"unknown"} : swarm_->nat_class();
}

std::optional<Delivery> Overlay::next() {
  return mesh_ ? mesh_->next() : swarm_->next();
}

}  // namespace np2p
