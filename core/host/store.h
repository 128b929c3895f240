// Port: what the node remembers. Reads and writes go synchronously into an open batch and are visible to the node at
// once; nothing is safe until the input durable(ticket) says so, and only then is anything acknowledged to a client or
// a peer. So commits group themselves. One test suite runs over every implementation (tests/core/store).
//
// Retention: what the owner and the writers wrote is kept, whatever it takes. Others have Limits::stored_events and
// stored_bytes, of which each class of them has a share of its own (core/store/retention.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/strong_int.h"
#include "core/base/time.h"
#include "core/event/event.h"
#include "core/event/filter.h"

namespace np2p {

// What an author is to this server's owner: the owner's own key and those of the writers are `owner`.
enum class Standing : std::uint8_t { stranger, follower, followed, owner };

// The parts of the room, by what an event is to the owner. `mentions` is what is addressed to the owner by others than
// those whom the owner follows, `sealed` what of that hides its author (gift wraps, NIP-59); `trusted` is of authors
// whom somebody follows whom the owner follows.
enum class Share : std::uint8_t { own, followed, followers, mentions, sealed, trusted, strangers };
inline constexpr std::size_t kShares = 7;
[[nodiscard]] constexpr std::string_view name_of(Share share) noexcept {
  constexpr std::string_view kNames[kShares] = {"own",    "followed", "followers", "mentions",
                                                "sealed", "trusted",  "strangers"};
  return kNames[static_cast<std::size_t>(share)];
}

enum class PutOutcome : std::uint8_t {
  stored,      // new; it may have replaced an older one of its address
  duplicate,   // this id is there already
  superseded,  // a newer event holds its address (NIP-01)
  refused,     // no room: everything that is there may not be evicted for it
  trouble,     // the disk fails: it may be put later
};

struct Amount {
  std::size_t events = 0;
  std::uint64_t bytes = 0;  // as stored_bytes_of() counts them (core/store/retention.h)
  friend bool operator==(const Amount&, const Amount&) = default;
};

struct StoreStats {
  std::size_t events = 0;
  std::size_t values = 0;
  std::uint64_t evicted = 0;
  std::uint64_t rotten = 0;  // events whose bytes no longer give their id: set aside, never served
  std::array<Amount, kShares> shares{};
  std::array<Amount, kShares> rooms{};  // of these; that of `own` is nothing, for it has no bound
  [[nodiscard]] const Amount& in(Share share) const noexcept { return shares[static_cast<std::size_t>(share)]; }
};

enum class Order : std::uint8_t { newest_first, oldest_first };

// The tables of named values: small pieces of the node's own state.
enum class Table : std::uint8_t {
  node,
  outbox,
  follows,
  followers,
  addresses,
  stream,
  heard,
  mail,
  wards,
  contacts,
  banned,  // core/feed/bans.h
  count_
};

class Store {
 public:
  virtual ~Store() = default;

  virtual PutOutcome put(const EventPtr& event) = 0;
  [[nodiscard]] virtual EventPtr get(const EventId& id) = 0;  // null if not there
  [[nodiscard]] virtual bool contains(const EventId& id) = 0;
  // The newest `filter.limit` (at most Limits::query_events) matches, in NIP-01's order or exactly reversed.
  [[nodiscard]] virtual std::vector<EventPtr> query(const Filter& filter, Order order) = 0;
  // How many match. `limit` counts if it is given, Limits::query_events does not; no event is loaded for it unless a
  // filter asks for more than the indices tell.
  [[nodiscard]] virtual std::size_t count(const Filter& filter) = 0;
  // What set reconciliation (core/event/negentropy.h) needs of the newest `most` matches; the filter's limit counts,
  // too.
  [[nodiscard]] virtual std::vector<Stamp> stamps(const Filter& filter, std::size_t most) = 0;
  virtual bool erase(const EventId& id) = 0;
  // Erases what has expired by then (NIP-40), and says how much. Costs nothing while nothing has.
  virtual std::size_t expire(std::int64_t now) = 0;

  // Standing of an author from now on; it decides what of theirs is evicted. Part of the batch.
  virtual void set_standing(const PubKey& author, Standing standing) = 0;
  [[nodiscard]] virtual Standing standing(const PubKey& author) = 0;
  // Is it addressed to somebody with the standing of the owner: does it name one, or is it about what one wrote?
  [[nodiscard]] virtual bool is_addressed(const Event& event) = 0;
  // Does somebody with the standing `followed` follow this author (NIP-02), as far as is known here?
  [[nodiscard]] virtual bool is_trusted(const PubKey& author) = 0;

  // False: the table is full (core/store/retention.h) or nothing is written any more, and a new key is not kept.
  virtual bool set_value(Table table, std::string_view key, std::string_view value) = 0;
  virtual void erase_value(Table table, std::string_view key) = 0;
  [[nodiscard]] virtual std::string value(Table table, std::string_view key) = 0;  // empty if not there
  // All values of a table in ascending order of key bytes. The visitor must not write.
  virtual void each_value(Table table, const std::function<void(std::string_view, std::string_view)>& visit) = 0;

  // Asks for everything written so far to be made safe. durable(ticket) follows as an input, never inside the call; a
  // call without any write since the last one returns the last ticket (whose durable may have been input already).
  virtual Ticket flush() = 0;
  // The newest ticket whose durable was, or is being, input.
  [[nodiscard]] virtual Ticket durable() const noexcept = 0;

  [[nodiscard]] virtual StoreStats stats() = 0;
};

}  // namespace np2p
