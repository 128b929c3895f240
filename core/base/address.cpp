#include "core/base/address.h"

#include <charconv>
#include <cstring>
#include <vector>

#include "core/base/hash.h"

namespace np2p {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool parse_number(std::string_view text, unsigned limit, int base, unsigned& out) noexcept {
  if (text.empty() || text.size() > 5) return false;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return failure == std::errc{} && end == text.data() + text.size() && out <= limit;
}

bool parse_v4(std::string_view text, std::uint8_t* out) noexcept {
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    unsigned part = 0;
    if (dot == std::string_view::npos || dot > 3 || !parse_number(text.substr(0, dot), 255, 10, part)) return false;
    out[i] = static_cast<std::uint8_t>(part);
    text.remove_prefix(i < 3 ? dot + 1 : dot);
  }
  return text.empty();
}

// RFC 4291: up to eight groups of hex digits, one run of zeros as "::", the last two groups possibly as IPv4.
bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& out) noexcept {
  std::array<std::uint8_t, 16> head{};
  std::array<std::uint8_t, 16> tail{};
  std::size_t head_size = 0;
  std::size_t tail_size = 0;
  bool gap = false;
  if (text.substr(0, 2) == "::") {
    gap = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    auto& part = gap ? tail : head;
    std::size_t& size = gap ? tail_size : head_size;
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      if (colon != std::string_view::npos || size > 12 || !parse_v4(group, part.data() + size)) return false;
      size += 4;
      break;
    }
    unsigned value = 0;
    if (size > 14 || group.size() > 4 || !parse_number(group, 0xffff, 16, value)) return false;
    part[size] = static_cast<std::uint8_t>(value >> 8);
    part[size + 1] = static_cast<std::uint8_t>(value);
    size += 2;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;  // a single colon at the end
    if (text.front() == ':') {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
    }
  }
  if (head_size + tail_size > 16 || (!gap && head_size != 16) || (gap && head_size + tail_size > 14)) return false;
  out.fill(0);
  std::memcpy(out.data(), head.data(), head_size);
  std::memcpy(out.data() + 16 - tail_size, tail.data(), tail_size);
  return true;
}

}  // namespace

Address Address::v4(std::uint32_t ip, std::uint16_t port) noexcept {
  Address address;
  std::memcpy(address.ip.data(), kMappedPrefix.data(), kMappedPrefix.size());
  for (unsigned i = 0; i < 4; ++i) address.ip[12 + i] = static_cast<std::uint8_t>(ip >> (24 - 8 * i));
  address.port = port;
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  const auto refuse = [&](const char* why) {
    return np2p::error(ErrorCode::malformed, "'" + std::string(text.substr(0, 80)) + "' is not an address: " + why);
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("it has no port (host:port)");
  std::string_view host = text.substr(0, colon);
  unsigned port = 0;
  if (!parse_number(text.substr(colon + 1), 65535, 10, port)) return refuse("its port is not a number up to 65535");
  Address address;
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') return refuse("the bracket is not closed");
    if (!parse_v6(host.substr(1, host.size() - 2), address.ip)) return refuse("the part in brackets is not IPv6");
  } else {
    address = v4(0, 0);
    if (!parse_v4(host, address.ip.data() + 12)) return refuse("its host is not a numeric IPv4 address");
  }
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

bool Address::is_loopback() const noexcept {
  if (is_v4()) return ip[12] == 127;
  std::array<std::uint8_t, 16> one{};
  one[15] = 1;
  return ip == one;
}

bool Address::is_private() const noexcept {
  if (!is_v4()) {
    constexpr std::array<std::uint8_t, 12> kTranslated{0x00, 0x64, 0xff, 0x9b};
    if (std::memcmp(ip.data(), kTranslated.data(), kTranslated.size()) == 0) return true;  // NAT64, to any IPv4 host
    if (ip[0] == 0x20 && ip[1] == 0x02) return true;                                       // 6to4, likewise
    return (ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0x80) != 0);               // unique local, link, site
  }
  const std::uint32_t a = v4_host_order();
  return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe || a >> 22 == (0x64400000u >> 22);
}

bool Address::is_multicast() const noexcept {
  return is_v4() ? ip[12] >= 224 : ip[0] == 0xff;
}

std::string Address::ip_text() const {
  if (is_v4()) {
    std::string text;
    for (unsigned i = 12; i < 16; ++i) text += (i > 12 ? "." : "") + std::to_string(ip[i]);
    return text;
  }
  // RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::".
  std::array<unsigned, 8> groups{};
  for (unsigned i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(ip[2 * i] << 8 | ip[2 * i + 1]);
  unsigned best = 8;
  unsigned best_length = 1;
  for (unsigned i = 0; i < 8; ++i) {
    unsigned length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  std::string text;
  for (unsigned i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, groups[i], 16).ptr;
    text.append(digits, end);
  }
  return text;
}

std::string Address::text() const {
  const std::string host = is_v4() ? ip_text() : "[" + ip_text() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace np2p

std::size_t std::hash<np2p::Address>::operator()(const np2p::Address& address) const noexcept {
  return static_cast<std::size_t>(np2p::hash_bytes(address.ip, address.port));
}
