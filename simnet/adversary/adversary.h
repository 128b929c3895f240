// Hosts that do not keep to the protocol. An adversary sits between a host's links and its node: it sees each message
// that comes in before the node does, and each that the node sends before it leaves, may keep it to itself or change
// it, and may send what it likes over the links that are there. Otherwise the node behind it is an ordinary one: it
// joins, is believed, and is asked. Nothing of this is in core/.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/rng.h"
#include "core/base/strong_int.h"
#include "core/host/clock.h"
#include "core/host/node_key.h"
#include "core/wire/swarm_messages.h"

namespace np2p::sim {

enum class Behaviour : std::uint8_t {
  honest,
  // Directory nodes. Each of them swallows what is to be kept or handed on; a question is met
  forging_directory,     // with a claim of its own, properly signed
  conspiring_directory,  // with a claim of one node that all of these conspirators name
  stale_directory,       // with the first records that ever came, as long as they hold
  empty_directory,       // with nothing
  silent_directory,      // not at all
  lying_directory,       // in one of these ways, chosen by lot: forging, stale, empty or silent
  // Carriers of messages that are for others.
  swallowing_hop,    // keeps routed messages and acknowledges them in the recipient's name
  dropping_relay,    // keeps routed messages and records of tunnels
  withholding_head,  // keeps copies for the members of cells that it leads, and says nothing
  // One of many who want to be all that others see: wants to be a neighbour of everybody it is linked with, again and
  // again, names only its fellows, and hands on nothing. Its node dials those named by bootstrap for ever.
  eclipsing,
  // Guardians. They agree, and say of all mail that they keep it; to who is back they
  forging_guardian,      // send one letter of their own making, which claims to be all that was missed
  withholding_guardian,  // promise all of it and send nothing, or one letter every few seconds
  forgetful_guardian,    // say that there is nothing
  lying_guardian,        // in one of these ways, chosen by lot
  // Followers.
  silent_follower,    // gives no receipt and asks for nothing that it missed
  flooding_follower,  // says FOLLOW to whom it follows many times a second, for itself and for users that do not exist
  naming_follower,    // has no guardians, and names three strangers as such: the first users whose servers it meets
  // A carrier that keeps every FOLLOW and UNFOLLOW that it carries and says them again, each few seconds for ever, and
  // says UNFOLLOW itself for all who said FOLLOW.
  replaying_carrier,
  // An author whose node signs two heads for each number from some on: half of the others get another event there than
  // the rest, and all that follows fits what each was told.
  forking_author,
  // Not the host but its disk: what it says to be safe is so only a second later.
  lying_disk,
};
std::string_view name(Behaviour behaviour) noexcept;
std::optional<Behaviour> behaviour_of(std::string_view name) noexcept;

class Adversary {
 public:
  struct Means {  // what it has at hand; lives as long as the host
    Clock& clock;
    NodeKey& key;
    std::string_view network;
    Address address;  // where the host can be dialled
    std::uint64_t seed = 0;
    Rng rng;  // its own
    std::function<void(LinkId, const swarm::Message&)> send;
    std::function<void(LinkId, const swarm::Message&)> hand;  // to the node behind, as if it had come over that link
    // Public keys are public: whose is stored under that key of the directory.
    std::function<std::optional<PubKey>(const swarm::Key&)> user_of;
    std::function<const std::vector<swarm::PeerRef>&()> fellows;  // all hosts of this world that are eclipsing
  };
  virtual ~Adversary() = default;
  // A link is up, and proved to lead there.
  virtual void linked(LinkId /*link*/, const NodeId& /*peer*/) {}
  // False: the node behind never sees it.
  virtual bool hears(LinkId /*link*/, const swarm::Message& /*message*/) { return true; }
  // What the node behind sends; it may be changed. False: it never leaves.
  virtual bool says(LinkId /*link*/, swarm::Message& /*message*/) { return true; }
};

// Null for an honest one.
std::unique_ptr<Adversary> make_adversary(Behaviour behaviour, Adversary::Means means);

}  // namespace np2p::sim
