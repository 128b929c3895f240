// What a server says of itself (GET /status), as far as `nostrp2p status` tells it to its user.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

namespace np2p::real {

struct StatusReport {
  PubKey user;
  NodeId node;
  Address listen;
  Address external;  // of --external
  std::uint64_t uptime_s = 0;

  bool mesh = false;
  Address dialled_at;           // unspecified: nobody can dial it, or that is not known
  bool asked = false;           // peers were asked to dial it, and their time to do so is over
  std::string nat = "unknown";  // core/wire/meeting.h
  std::uint64_t active = 0;
  std::uint64_t passive = 0;
  std::uint64_t clients = 0;
  std::vector<std::string> relays;
  std::uint64_t trees = 0;
  bool published = false;
  std::uint64_t servers = 0;       // in the whole network, about; 0: not known
  std::uint64_t cells = 0;         // of followers
  std::uint64_t largest_cell = 0;  // members
  std::uint64_t cells_led = 0;     // of others

  std::string mode;                  // empty: it does not say
  std::string mode_now;              // broadcast or multicast
  std::string auto_why = "unknown";  // with mode auto: unknown, below, above, popular
  std::uint64_t load = 0;
  std::uint64_t budget = 0;
  bool mode_waits = false;
  std::int64_t may_switch_at = 0;

  bool router_asked = false;
  Address router_opened;
  std::string router_by;
  struct WayIn {
    std::string address;
    std::string trouble;  // empty: none known
  };
  std::vector<WayIn> ways_in;

  std::string identity = "claimed";
  std::uint64_t epoch = 0;
  std::int64_t expires = 0;

  std::uint64_t direct = 0;  // links that are up, by path
  std::uint64_t punched = 0;
  std::uint64_t tunnelled = 0;

  std::uint64_t events = 0;
  std::uint64_t own_events = 0;  // of these
  std::uint64_t outbox = 0;
  std::uint64_t follows = 0;
  std::uint64_t registered = 0;  // of these, with whose servers this one is registered
  std::uint64_t streams = 0;     // of theirs, in which it knows how far it is
  std::uint64_t gaps = 0;        // of these, in which something is missing
  std::uint64_t forks = 0;       // authors caught with two stories
  std::uint64_t followers = 0;
  std::uint64_t behind = 0;  // of these, who have not taken everything yet
  struct Behind {
    std::string user;  // public key in hex
    std::int64_t since = 0;
  };
  std::vector<Behind> longest_behind;  // of these the first few
  std::uint64_t posted = 0;            // numbers in our user's own stream
  std::vector<std::string> guardians;  // public keys in hex
  std::uint64_t wards = 0;
  std::uint64_t letters = 0;  // kept for them
  std::uint64_t letter_bytes = 0;
  std::int64_t returned_at = 0;  // 0: it has not been away; since then guardians have brought
  std::uint64_t returned_events = 0;
  std::uint64_t returned_bytes = 0;
  std::uint64_t returned_from = 0;  // so many of them
  std::string disk_trouble;

  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;
  std::uint64_t wire_in = 0;
  std::uint64_t wire_out = 0;
  Counts bytes_in;  // of frames, by kind
  Counts bytes_out;
  Counts rejects;

  [[nodiscard]] bool joined() const noexcept { return active + clients > 0; }
};

// Error malformed: these are not the words of a server of nostrp2p. What an older server does not say stays as above.
Result<StatusReport> parse_status(const std::string& json);

}  // namespace np2p::real
