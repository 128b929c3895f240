#include "realnet/http/forwarded.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include "realnet/http/doorkeeper.h"

namespace np2p::real {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// At `separator`, but not within quotes. Nothing: a quote is not closed.
std::optional<std::vector<std::string_view>> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      parts.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  if (quoted) return std::nullopt;
  parts.push_back(trimmed(text.substr(begin)));
  return parts;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
std::optional<Address> node_address(std::string_view text) {
  std::optional<Address> address;
  if (!text.empty() && text.front() == '[' && text.back() == ']') {
    address = ip_literal(text.substr(1, text.size() - 2));
    if (address && address->is_v4()) address.reset();
  } else if (const auto with_port = Address::parse(text); with_port.ok()) {
    address = *with_port;
  } else {
    address = ip_literal(text);
  }
  if (address) address->port = 0;
  return address;
}

// The value of for= in one element of Forwarded, without its quotes; empty if there is none, or more than one.
std::string_view for_of(std::string_view element) {
  const auto pairs = split(element, ';');
  std::string_view found;
  for (const std::string_view pair : pairs.value_or(std::vector<std::string_view>{})) {
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || lower_case(trimmed(pair.substr(0, equals))) != "for") continue;
    if (!found.empty()) return {};
    found = trimmed(pair.substr(equals + 1));
  }
  const bool quoted = found.size() >= 2 && found.front() == '"' && found.back() == '"';
  return quoted ? found.substr(1, found.size() - 2) : found;
}

}  // namespace

Result<Address> forwarded_client(std::string_view header, ForwardedStyle style,
                                 const std::function<bool(const Address&)>& is_proxy) {
  const bool rfc7239 = style == ForwardedStyle::rfc7239;
  const std::string name = rfc7239 ? "Forwarded" : "X-Forwarded-For";
  const auto hops = split(header, ',');
  if (!hops) return error(ErrorCode::malformed, name + " has a quote that is not closed");
  std::optional<Address> client;
  for (auto hop = hops->rbegin(); hop != hops->rend(); ++hop) {
    client = node_address(rfc7239 ? for_of(*hop) : *hop);
    if (!client) return error(ErrorCode::malformed, name + " does not say by an address where the request came from");
    if (!is_proxy(*client)) break;
  }
  return *client;
}

}  // namespace np2p::real
