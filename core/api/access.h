// Who may do what, for every front.
//
//   reading      whoever is trusted (this machine, trusted networks); elsewhere only who has proven, with NIP-42 or
//                NIP-98, to be the owner or one of Config::writers; with Config::open_writes, whoever has proven a key
//   its state    (status, health) the same, but never strangers
//   writing      the events of the owner and of the writers, brought by anybody: they are signed. Others may deliver
//                what names the owner in a p tag (replies, mentions, reactions, reposts, messages), within limits; and
//                delete what they delivered. Config::open_writes lets everybody write.
//   protected    an event with a "-" tag (NIP-70) is taken only from who has proven to be its author
//
// With Config::writable off nobody writes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address_budgets.h"
#include "core/base/config.h"
#include "core/base/token_bucket.h"
#include "core/event/event.h"
#include "core/host/host.h"

namespace np2p {

// Who asks: where from, and which keys that client has proven to hold.
struct Visitor {
  ClientOrigin origin;
  std::vector<PubKey> keys;
  [[nodiscard]] bool is(const PubKey& key) const noexcept;
};

// What an HTTP request is, for its proof (NIP-98).
struct RequestClaim {
  std::string url;     // without its scheme: "host:port/path?query" (a proxy in front may have spoken TLS)
  std::string method;  // "POST"
  std::string_view body;
};

class Access {
 public:
  Access(const Config& config, Host& host);

  // Trusted, or proven to be the owner or a writer.
  [[nodiscard]] bool is_insider(const Visitor& visitor) const noexcept;
  [[nodiscard]] Status may_read(const Visitor& visitor) const;
  [[nodiscard]] Status may_see_state(const Visitor& visitor) const;
  // By what the event says of itself, which is not verified yet; cheap. Errors: read_only, forbidden, unauthenticated,
  // weak.
  [[nodiscard]] Status may_write(const Visitor& visitor, const Event& event);
  // What others deliver costs of their address's budget before the signature is looked at, and of the budget of all
  // only once it is known to be true and new: with events that are none nobody takes from others.
  Status charge(const Visitor& visitor, const Event& event);
  Status charge_all(const Visitor& visitor, const Event& verified);
  // Are id and signature true? From an address that brought too many that were not it is not looked at for a while
  // (rate_limited).
  Result<EventPtr> verify(Event event, const ClientOrigin& from, std::string_view text = {});
  // Does it travel as the owner's? All others' stay here.
  [[nodiscard]] bool is_owners(const Event& event) const noexcept { return event.pubkey == config_.owner; }
  [[nodiscard]] bool is_writer(const PubKey& key) const noexcept;

  // NIP-42: a challenge for one connection, and whose key the answer to it proves.
  std::string challenge();
  Result<PubKey> prove(Event answer, std::string_view challenge, const ClientOrigin& from);
  // NIP-98 with a nonce of ours, which stands in the query of the URL ("?nonce=...") and works once.
  std::string nonce();
  Result<PubKey> prove(Event proof, const RequestClaim& request, const ClientOrigin& from);

  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Nonce {
    std::string text;
    MonoTime until;
  };
  [[nodiscard]] bool is_delivery(const Event& event) const;
  [[nodiscard]] std::string random_text();
  [[nodiscard]] bool is_free(const Visitor& visitor, const Event& event) const noexcept;
  Result<PubKey> proven(Event proof, std::uint16_t kind, Duration window, const ClientOrigin& from);
  bool use_nonce(std::string_view url);

  const Config& config_;
  Host& host_;
  std::vector<Nonce> nonces_;  // in the order of coming
  TokenBucket all_deliveries_;
  AddressBudgets deliveries_;
  AddressBudgets forgeries_;
};

// "host:port" of a WebSocket or HTTP URL, in lower case and without a default port: what NIP-42 compares.
std::string host_of_url(std::string_view url);

}  // namespace np2p
