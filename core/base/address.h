// A transport address: IPv6, or IPv4 as ::ffff:a.b.c.d, and a port. Text is "1.2.3.4:5" or "[2001:db8::1]:5".
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace np2p {

struct Address {
  std::array<std::uint8_t, 16> ip{};
  std::uint16_t port = 0;

  friend auto operator<=>(const Address&, const Address&) = default;
  static Address v4(std::uint32_t host_order_ip, std::uint16_t port) noexcept;
  // Numeric host and port; names are the front's business, not ours.
  static Result<Address> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const noexcept { return half(0) == 0 && std::memcmp(&ip[8], "\0\0\xff\xff", 4) == 0; }
  [[nodiscard]] std::uint32_t v4_host_order() const noexcept {  // only if is_v4()
    return std::uint32_t{ip[12]} << 24 | std::uint32_t{ip[13]} << 16 | std::uint32_t{ip[14]} << 8 | ip[15];
  }
  [[nodiscard]] bool is_unspecified() const noexcept {  // 0.0.0.0 or ::
    return half(0) == 0 && (half(8) == 0 || (is_v4() && v4_host_order() == 0));
  }
  [[nodiscard]] bool is_loopback() const noexcept;  // 127.0.0.0/8 or ::1
  // RFC 1918, 100.64/10, link-local, fc00::/7, fec0::/10; not 198.18/15. And what stands for IPv4 addresses, private
  // ones among them: 64:ff9b::/96 and 2002::/16.
  [[nodiscard]] bool is_private() const noexcept;
  [[nodiscard]] bool is_multicast() const noexcept;  // of IPv4 all from 224.0.0.0 on: broadcast and reserved ones, too
  [[nodiscard]] std::string ip_text() const;         // no brackets, no port
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] std::uint64_t half(std::size_t from) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, &ip[from], sizeof value);
    return value;
  }
};

}  // namespace np2p

template <>
struct std::hash<np2p::Address> {
  std::size_t operator()(const np2p::Address& address) const noexcept;
};
