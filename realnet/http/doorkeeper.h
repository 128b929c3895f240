// Who is at the door: whether a request calls us by a name of ours, and how far its sender is trusted before it has
// proven anything. One set of rules for REST, pages and the WebSocket.
//
// The Host header must name us (a name of ours, or the socket's own address), else a web page could reach us by
// rebinding its DNS name. Trusted are loopback and trusted networks, unless a page of a foreign Web origin speaks (not
// our own, not in allow_origins; another port of this machine is foreign): that counts as remote, whoever's browser it
// runs in.
//
// A request that a proxy passed on comes from who knows where, and is remote. If the proxy is one of trusted_proxies,
// it comes from the client that the proxy names, and that address counts for limits, logs and trusted networks; never
// as loopback.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/limits.h"
#include "core/host/clients.h"
#include "realnet/http/http_message.h"

namespace np2p::real {

// A network prefix, as in "10.0.0.0/8" or "fd00::/8"; a bare address is a network of one.
struct NetworkPrefix {
  Address base;
  unsigned bits = 128;  // of the 16 bytes
  static Result<NetworkPrefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const noexcept;
};

struct ApiSettings {
  std::vector<std::string> allow_origins;      // exact, e.g. "https://app.example"
  std::vector<std::string> host_names;         // names of ours besides localhost
  std::vector<NetworkPrefix> trusted;          // may read besides loopback
  bool trust_private = false;                  // so may private addresses (the API was opened to them on purpose)
  std::vector<NetworkPrefix> trusted_proxies;  // whose word on where a request comes from is taken
  Limits limits;
};

class Doorkeeper {
 public:
  explicit Doorkeeper(const ApiSettings& settings) : settings_(settings) {}

  // Puts into `peer` who sent it, if a trusted proxy says so. Error malformed: it says nothing that can be read.
  [[nodiscard]] Status find_client(HttpRequest& request) const;
  [[nodiscard]] bool is_proxy(const Address& address) const;
  [[nodiscard]] bool calls_us(const HttpRequest& request) const;
  [[nodiscard]] bool allows_origin(const HttpRequest& request) const;  // of a request that has one
  [[nodiscard]] bool is_local(const HttpRequest& request) const;       // from this machine, and no foreign page
  [[nodiscard]] ClientOrigin origin(const HttpRequest& request) const;

 private:
  [[nodiscard]] bool trusts(const HttpRequest& request) const;
  const ApiSettings& settings_;
};

std::string lower_case(std::string_view text);
// "192.0.2.1" or "2001:db8::1"; port 1.
std::optional<Address> ip_literal(std::string_view host);

}  // namespace np2p::real
