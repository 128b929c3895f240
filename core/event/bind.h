// BIND (kind 10848, replaceable): a user says which node serves them. The user's own key signs it, so it outweighs
// every claim that a node makes for itself.
//
//   content  empty
//   tags     ["node", NodeId in 64 lower-case hex digits]   missing: the user revokes, no node serves them
//            ["epoch", decimal]      from 1 to 2^53; the highest counts
//            ["expires", decimal]    Unix seconds, after created_at by at most kLongestBind
//
// Each of these at most once and with exactly one value; other tags are ignored, within kMostBindTags and
// kMostBindBytes. A number has no sign and no leading zero, so that it has one form only.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/event/event.h"

namespace np2p {

inline constexpr Duration kBindLife = 90 * 24h;      // that tools give it
inline constexpr Duration kBindWarning = 30 * 24h;   // before its end the user is reminded
inline constexpr Duration kLongestBind = 366 * 24h;  // what is accepted
inline constexpr std::size_t kMostBindTags = 8;      // a directory record must hold the whole event
inline constexpr std::size_t kMostBindBytes = 512;   // of all tag values
inline constexpr std::uint64_t kLastEpoch = std::uint64_t{1} << 53;

struct Bind {
  PubKey user;
  std::optional<NodeId> node;  // none: revoked
  std::uint64_t epoch = 0;
  std::int64_t expires = 0;     // Unix seconds
  std::int64_t created_at = 0;  // likewise
  EventId id;
  friend bool operator==(const Bind&, const Bind&) = default;
};

// What the event says; says nothing about its signature. Errors: bad_kind, bad_field (names the tag), too_large.
Result<Bind> decode_bind(const Event& event);
Tags bind_tags(const std::optional<NodeId>& node, std::uint64_t epoch, std::int64_t expires);

// Of two BINDs of one user: the higher epoch, then the newer, then the lower id.
bool outranks(const Bind& a, const Bind& b) noexcept;
// The user's key signed two different things for one epoch.
bool equivocates(const Bind& a, const Bind& b) noexcept;
// May `node` get what is meant for the user? An expired BIND lets nobody serve: it never reopens the first claim.
bool serves(const Bind& bind, const NodeId& node, std::int64_t unix_now) noexcept;

}  // namespace np2p
