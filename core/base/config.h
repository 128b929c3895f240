// What one node is told at its start. Hosts fill it from the command line (realnet) or from the scenario (simnet).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/limits.h"
#include "core/base/mode_params.h"
#include "core/base/swarm_params.h"

namespace np2p {

// The original's mesh, up to 65 servers; or the scalable overlay (core/overlay/swarm).
enum class OverlayKind : std::uint8_t { mesh, hyparview };
// Who gets the owner's replies and mentions besides those they name: nobody, as in the original, or whoever gets the
// owner's plain posts, too.
enum class Replies : std::uint8_t { tagged, everybody };
// To everybody; to those who follow the author; or the one that suits a network of this size (core/feed/mode_policy.h).
enum class FeedMode : std::uint8_t { broadcast, multicast, automatic };

// Of whom events are taken in from the network; always: what the owner, the writers and those whom the owner follows
// wrote, what our client asked for, and BINDs, without which nobody is found.
struct Inbox {
  bool followers = true;
  bool mentions = true;  // what is addressed to the owner, by whomever
  bool trusted = true;   // whom somebody follows whom the owner follows
  bool strangers = true;
};

struct Config {
  PubKey owner;  // the user whose server this is
  OverlayKind overlay = OverlayKind::mesh;
  FeedMode mode = FeedMode::broadcast;
  ModeParams auto_mode;
  Replies replies = Replies::everybody;
  Address listen;                  // where other nodes dial us; port 0: does not listen
  Address external;                // --external: where others reach us, if that is known; unspecified: found out
  std::vector<Address> bootstrap;  // -b, in order
  bool require_bind = false;       // --require-bind: nothing is sent to a node that merely claims to serve a user
  bool writable = true;            // -w: false answers reads and relays, refuses client writes
  std::vector<PubKey> writers;     // --writers: who else may publish here; their events stay on this server
  bool open_writes = false;        // --writers '*': everybody
  Inbox inbox;
  std::uint32_t min_pow = 0;   // --min-pow: bits of proof of work (NIP-13) of events that are not a writer's
  bool dial_loopback = false;  // loopback addresses heard of may be dialled (all on one machine)
  bool dial_private = false;   // private ones too (a LAN or a VPN)
  bool relay = true;           // --no-relay: carries no tunnels for others
  std::uint32_t relay_bytes_per_s = 256 * 1024;  // of all tunnels that are carried; their burst is 8 s of it
  std::string network_id = "nostrp2p";
  SwarmParams swarm;       // numbers of the scalable overlay that experiments vary
  std::uint64_t seed = 0;  // of the protocol's own choices (Rng); the real host draws it from Entropy
  Limits limits;
  // The owner's, or a writer's.
  [[nodiscard]] bool is_own(const PubKey& key) const noexcept {
    return key == owner || std::find(writers.begin(), writers.end(), key) != writers.end();
  }
};

}  // namespace np2p
