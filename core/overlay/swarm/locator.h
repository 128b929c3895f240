// From users to nodes: who serves a public key, and where. Contacts are looked up in the directory, or learnt from
// messages that came from there, and remembered. Our own is published whenever it changes, and before it expires.
//
// Who is asked for and not found, or found dead, is looked for again with growing pauses, so that a user who comes back
// is noticed; version() rises then.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/directory.h"
#include "core/overlay/swarm/router.h"

namespace np2p::swarm {

class Locator {
 public:
  Locator(const Config& config, Host& host, Links& links, Directory& directory, Router& router, std::uint64_t boot);

  // False: no contact, or a dead one; a lookup is on its way then.
  bool send(const PubKey& user, Channel channel, const Frame& payload, Priority priority);
  [[nodiscard]] bool reaches(const PubKey& user) const;
  [[nodiscard]] std::optional<Whereabouts> find_alive(const PubKey& user) const;
  void set_nat(NatClass nat);  // of ours, for our contact
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  void own_changed(const std::vector<LinkId>& active);  // reachability or neighbours: the relays among them
  void answered(const Directory::Answer& answer);
  void arrived(const Arrival& arrival);
  void lost(const NodeId& node);
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);

 private:
  struct Known {
    PubKey user;
    NodeId node;
    Address listens;
    std::vector<PeerRef> relays;
    NodeId via;  // as a message from there said; zero: by the contact
    std::uint64_t sequence = 0;
    MonoTime expires;
    MonoTime used;
    bool dead = false;  // this sequence could not be reached
  };
  struct Claim {  // of the latest answers
    Contact contact;
    unsigned votes = 0;
  };
  struct Wanted {
    PubKey user;
    std::uint64_t query = 0;
    unsigned tries = 0;
    MonoTime at;            // of the next try
    std::size_t asked = 0;  // answers that may come
    std::size_t came = 0;   // and that came
    MonoTime first_at;      // when the first came
    std::vector<Claim> claims;
  };
  [[nodiscard]] Known* find(const PubKey& user) noexcept;
  [[nodiscard]] const Known* alive(const PubKey& user) const noexcept;
  void want(const PubKey& user);
  void ask(Wanted& wanted, MonoTime now);
  void count(Wanted& wanted, const Directory::Answer& answer);
  bool decide(Wanted& wanted);  // true: found, and wanted no more
  Known& remember(const PubKey& user);
  void publish(MonoTime now);

  const Config& config_;
  Host& host_;
  Links& links_;
  Directory& directory_;
  Router& router_;
  Rng rng_;
  std::vector<Known> known_;
  std::vector<Wanted> wanted_;
  std::vector<PeerRef> relays_;  // ours
  Address published_listens_;
  NatClass nat_;
  std::uint64_t boot_;
  std::uint64_t published_ = 0;  // how often
  std::uint64_t version_ = 0;
  std::optional<MonoTime> publish_at_;
};

}  // namespace np2p::swarm
