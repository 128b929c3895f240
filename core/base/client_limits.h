// What a client can make grow, part of Limits (limits.h). A client is a program of somebody on a WebSocket or REST
// connection; the owner's own are among them, so none of these is small enough to be felt by an ordinary one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace np2p {

struct ClientLimits {
  std::size_t message_bytes = 320 * 1024;    // one message of a client, over REST or a WebSocket
  std::size_t sessions = 256;                // WebSocket connections
  std::size_t subscriptions = 64;            // of one connection
  std::size_t subscription_characters = 64;  // of an id, at least 1 (NIP-01)
  std::size_t filters = 32;                  // of one REQ or COUNT
  std::size_t answer_events = 500;           // for one filter, whatever its limit says
  // Of answers that a client has asked for and not read yet; above it no further question is answered.
  std::size_t answer_bytes = 8 * 1024 * 1024;
  // What came live while a client did not read; beyond it the client is disconnected.
  std::size_t queue_bytes = 4 * 1024 * 1024;
  // NIP-77: sets that clients compare with ours, 40 bytes for each event of one.
  std::size_t reconciliations = 16;          // of all connections,
  std::size_t reconciliations_of_one = 2;    // and of one
  std::size_t reconciled_events = 100'000;   // in one; of more the client is told to ask for less
  std::size_t reconcile_bytes = 128 * 1024;  // of one message of ours, before it is written in hex
  std::size_t busy_bytes = 256 * 1024;  // given to the connection and not taken by the network yet: no more for now
  // Messages of one connection, and their burst: of who may read, and of anybody.
  std::uint32_t trusted_messages_per_second = 5000;
  std::uint32_t trusted_messages_burst = 20'000;
  std::uint32_t messages_per_second = 20;
  std::uint32_t messages_burst = 100;
  // Events that others deliver to the owner: from one address, and from all, each with its burst.
  std::uint32_t deliveries_per_minute = 20;
  std::uint32_t deliveries_burst = 60;
  std::uint32_t all_deliveries_per_minute = 120;
  std::uint32_t all_deliveries_burst = 240;
  std::size_t deliverers = 1024;  // addresses remembered for that; the one longest ago makes room
  // NIP-42 and NIP-98.
  std::size_t proven_keys = 8;    // of one connection
  Duration proof_window = 10min;  // NIP-42: created_at may lie this far from our clock, either way
  Duration request_window = 60s;  // NIP-98: likewise
  Duration nonce_life = 2min;     // of a server nonce: asked for, not used yet
  std::size_t nonces = 1024;      // outstanding; the oldest makes room
};

}  // namespace np2p
