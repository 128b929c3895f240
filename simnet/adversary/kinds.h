// The adversaries that make_adversary() chooses from.
#pragma once

#include <map>
#include <vector>

#include "simnet/adversary/adversary.h"

namespace np2p::sim {

class LyingDirectory final : public Adversary {
 public:
  LyingDirectory(Behaviour manner, Means means);
  bool hears(LinkId link, const swarm::Message& message) override;

 private:
  void answer(LinkId link, const swarm::Get& question);
  [[nodiscard]] std::vector<ByteVec> claim(const swarm::Key& key, NodeKey& claimant);

  Behaviour manner_;
  Means means_;
  std::map<swarm::Key, std::vector<ByteVec>> first_;  // that came, by key; kept by a stale one
  std::unique_ptr<NodeKey> conspiracy_;               // the key that all conspirators share
};

class BadCarrier final : public Adversary {
 public:
  BadCarrier(Behaviour manner, Means means) : manner_(manner), means_(std::move(means)) {}
  bool hears(LinkId link, const swarm::Message& message) override;

 private:
  void acknowledge(LinkId link, const swarm::Routed& swallowed);
  bool hears_copies(LinkId link, const swarm::Spread& message);
  [[nodiscard]] bool is_for_a_cell(const swarm::Message& message) const;
  [[nodiscard]] PairMac mac_of(const swarm::Routed& message, const NodeId& peer) const;

  Behaviour manner_;
  Means means_;
};

class Eclipser final : public Adversary {
 public:
  explicit Eclipser(Means means) : means_(std::move(means)) {}
  bool hears(LinkId link, const swarm::Message& message) override;

 private:
  [[nodiscard]] std::vector<swarm::PeerRef> names(std::size_t count);  // of its fellows, some perhaps twice
  void push(LinkId link);

  Means means_;
};

}  // namespace np2p::sim
