#include "core/overlay/overlay.h"

#include "core/overlay/mesh/mesh.h"

namespace np2p {

std::uint64_t mesh_name(const PubKey& user) noexcept {
  std::uint64_t name = 0;
  for (std::size_t i = PubKey::size - 6; i < PubKey::size; ++i) name = name << 8 | user.data[i];
  return name;
}

Overlay::Overlay(const Config& config, Host& host) : mesh_(std::make_unique<mesh::Mesh>(config, host)) {}
Overlay::~Overlay() = default;

void Overlay::start() {
  mesh_->start();
}

void Overlay::stop() {
  mesh_->stop();
}

void Overlay::link_up(const LinkInfo& info) {
  mesh_->link_up(info);
}

void Overlay::frame(LinkId link, const Frame& frame) {
  mesh_->frame(link, frame);
}

void Overlay::writable(LinkId link) {
  mesh_->writable(link);
}

void Overlay::link_down(LinkId link, CloseReason reason) {
  mesh_->link_down(link, reason);
}

void Overlay::timer(Timer timer) {
  mesh_->timer(timer);
}

void Overlay::broadcast(Channel channel, Frame payload, Priority priority) {
  mesh_->broadcast(channel, payload, priority);
}

void Overlay::forward(const Delivery& delivery, Frame payload) {
  mesh_->forward(delivery, payload);
}

void Overlay::close_link(LinkId link, CloseReason reason) {
  mesh_->close_link(link, reason);
}

bool Overlay::unicast(const PubKey& user, Channel channel, Frame payload, Priority priority) {
  return mesh_->unicast(mesh_name(user), channel, payload, priority);
}

bool Overlay::reaches(const PubKey& user) const {
  return mesh_->reaches(mesh_name(user));
}

std::size_t Overlay::reachable_count() const {
  return mesh_->reachable();
}

std::uint64_t Overlay::topology_version() const noexcept {
  return mesh_->version();
}

std::vector<Overlay::Peer> Overlay::peers() const {
  return mesh_->peers();
}

std::optional<Delivery> Overlay::next() {
  return mesh_->next();
}

}  // namespace np2p
