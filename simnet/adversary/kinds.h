// The adversaries that make_adversary() chooses from.
#pragma once

#include <map>
#include <vector>

#include "core/event/event.h"
#include "core/wire/extension.h"
#include "simnet/adversary/adversary.h"
#include "simnet/adversary/spoken.h"

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

class LyingGuardian final : public Adversary {
 public:
  LyingGuardian(Behaviour manner, Means means) : manner_(manner), means_(std::move(means)) {}
  bool says(LinkId link, swarm::Message& message) override;

 private:
  [[nodiscard]] MailPart lie(const MailPart& truth);

  Behaviour manner_;
  Means means_;
};

class SilentFollower final : public Adversary {
 public:
  explicit SilentFollower(Means means) : means_(std::move(means)) {}
  bool says(LinkId link, swarm::Message& message) override;

 private:
  Means means_;
};

class FloodingFollower final : public Adversary {
 public:
  explicit FloodingFollower(Means means) : means_(std::move(means)) {}
  bool hears(LinkId link, const swarm::Message& message) override;
  bool says(LinkId link, swarm::Message& message) override;

 private:
  void flood();

  Means means_;
  std::map<NodeId, std::pair<LinkId, swarm::Message>> said_;  // a FOLLOW, by whom it went to
  MonoTime last_{};
  std::uint64_t floods_ = 0;
};

class NamingFollower final : public Adversary {
 public:
  explicit NamingFollower(Means means) : means_(std::move(means)) {}
  bool hears(LinkId link, const swarm::Message& message) override;
  bool says(LinkId link, swarm::Message& message) override;

 private:
  Means means_;
  std::vector<PubKey> strangers_;
};

class ReplayingCarrier final : public Adversary {
 public:
  explicit ReplayingCarrier(Means means) : means_(std::move(means)) {}
  void linked(LinkId link, const NodeId& peer) override;
  bool hears(LinkId link, const swarm::Message& message) override;

 private:
  void replay();

  Means means_;
  std::vector<LinkId> links_;         // the last so many that led anywhere
  std::vector<swarm::Routed> heard_;  // FOLLOWs and UNFOLLOWs of others, as they came
  MonoTime next_{};
};

class ForkingAuthor final : public Adversary {
 public:
  explicit ForkingAuthor(Means means) : means_(std::move(means)) {}
  void linked(LinkId link, const NodeId& peer) override { peers_[link] = peer; }
  bool hears(LinkId link, const swarm::Message& message) override;
  bool says(LinkId link, swarm::Message& message) override;

 private:
  struct Numbered {
    Event event;
    Chain told{};   // to one half
    Chain other{};  // to the other one
  };
  [[nodiscard]] static bool is_other_half(const NodeId& node) noexcept { return (node.data[31] & 1) != 0; }
  void learn(const StreamPart& part);
  [[nodiscard]] bool retell(StreamHead& head);
  [[nodiscard]] bool retell(std::uint8_t channel, Frame& payload);
  [[nodiscard]] Frame retold(const StreamPart& part);
  [[nodiscard]] std::optional<std::uint64_t> true_tag(std::uint64_t tag) const;

  Means means_;
  std::map<LinkId, NodeId> peers_;
  std::uint64_t incarnation_ = 0;
  std::map<std::uint64_t, Numbered> story_;      // by number
  std::uint64_t fork_ = 0;                       // the first number that was told twice; 0: none yet
  std::map<std::uint64_t, std::uint64_t> tags_;  // of what was told otherwise, by what it was told as
};

}  // namespace np2p::sim
