#include "realnet/http/doorkeeper.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "realnet/http/forwarded.h"

namespace np2p::real {

namespace {

// The host part of "host", "host:port", "[v6]" or "[v6]:port", in lower case, without a trailing dot.
std::string host_part(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const auto end = host.find(']');
    return end == std::string_view::npos ? std::string() : lower_case(host.substr(1, end - 1));
  }
  std::string name = lower_case(host.substr(0, host.find(':')));
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

bool is_loopback_host(const std::string& host) {
  if (host == "localhost") return true;
  const auto ip = ip_literal(host);
  return ip && ip->is_loopback();
}

bool any_contains(const std::vector<NetworkPrefix>& prefixes, const Address& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const NetworkPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace

std::optional<Address> ip_literal(std::string_view host) {
  const bool v6 = host.find(':') != std::string_view::npos;
  std::string text = v6 ? "[" : "";
  text.append(host).append(v6 ? "]:1" : ":1");
  const auto address = Address::parse(text);
  if (!address.ok()) return std::nullopt;
  return *address;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return out;
}

Result<NetworkPrefix> NetworkPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = ip_literal(text.substr(0, slash));
  const Error bad = error(ErrorCode::bad_field, std::string(text) + " is not a network like 10.0.0.0/8");
  if (!ip) return bad;
  NetworkPrefix prefix{*ip, 128};
  if (slash == std::string_view::npos) return prefix;
  unsigned bits = 0;
  const auto number = text.substr(slash + 1);
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), bits);
  const unsigned most = ip->is_v4() ? 32 : 128;
  if (number.empty() || parsed.ptr != number.data() + number.size() || parsed.ec != std::errc{} || bits > most) {
    return bad;
  }
  prefix.bits = bits + (ip->is_v4() ? 96 : 0);
  return prefix;
}

bool NetworkPrefix::contains(const Address& address) const noexcept {
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    if ((base.ip[bit / 8] & mask) != (address.ip[bit / 8] & mask)) return false;
  }
  return true;
}

bool Doorkeeper::is_proxy(const Address& address) const {
  return any_contains(settings_.trusted_proxies, address);
}

Status Doorkeeper::find_client(HttpRequest& request) const {
  if (!is_proxy(request.peer)) return {};
  const auto named_by = [&](const std::string& header, ForwardedStyle style) {
    return forwarded_client(header, style, [this](const Address& hop) { return is_proxy(hop); });
  };
  std::optional<Address> client;
  if (!request.x_forwarded_for.empty()) {
    const auto named = named_by(request.x_forwarded_for, ForwardedStyle::x_forwarded_for);
    if (!named.ok()) return named.error();
    client = *named;
  }
  if (!request.forwarded_header.empty()) {
    const auto named = named_by(request.forwarded_header, ForwardedStyle::rfc7239);
    if (!named.ok()) return named.error();
    // Most proxies write one of the two and pass on what a client put into the other.
    if (client && *client != *named) {
      return error(ErrorCode::malformed, "X-Forwarded-For and Forwarded name different clients");
    }
    client = *named;
  }
  if (!client) return {};
  request.peer = *client;
  request.vouched_for = true;
  return {};
}

bool Doorkeeper::calls_us(const HttpRequest& request) const {
  const std::string host = host_part(request.host);
  if (is_loopback_host(host)) return true;
  if (const auto ip = ip_literal(host)) return ip->ip == request.local.ip;
  return std::any_of(settings_.host_names.begin(), settings_.host_names.end(),
                     [&](const std::string& name) { return host_part(name) == host; });
}

bool Doorkeeper::allows_origin(const HttpRequest& request) const {
  const auto& allowed = settings_.allow_origins;
  if (std::find(allowed.begin(), allowed.end(), request.origin) != allowed.end()) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (request.origin.substr(0, scheme.size()) != scheme) continue;
    const std::string host = lower_case(std::string_view(request.origin).substr(scheme.size()));
    // Our own page, by the name that it was called by; that this is a name of ours is checked before.
    return host == lower_case(request.host);
  }
  return false;
}

bool Doorkeeper::is_local(const HttpRequest& request) const {
  return request.peer.is_loopback() && !request.forwarded && (!request.has_origin || allows_origin(request));
}

bool Doorkeeper::trusts(const HttpRequest& request) const {
  if (request.has_origin && !allows_origin(request)) return false;
  // A proxy beside us speaks for somebody else, who may be anywhere.
  if (request.forwarded && !request.vouched_for) return false;
  if (request.peer.is_loopback()) return !request.forwarded;
  if (settings_.trust_private && request.peer.is_private()) return true;
  return any_contains(settings_.trusted, request.peer);
}

ClientOrigin Doorkeeper::origin(const HttpRequest& request) const {
  return {request.peer, trusts(request), (request.secure ? "wss://" : "ws://") + request.host};
}

}  // namespace np2p::real
