// Integers that do not mix: a LinkId is not a Ticket. Ordered and hashable, nothing else.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace np2p {

template <class Tag, class Int = std::uint64_t>
struct StrongInt {
  Int value = 0;
  friend auto operator<=>(const StrongInt&, const StrongInt&) = default;
  explicit operator bool() const noexcept { return value != 0; }
};

using LinkId = StrongInt<struct LinkIdTag>;        // a link of one host; 0 is none; never reused within a boot
using Ticket = StrongInt<struct TicketTag>;        // a batch of store writes; later batches are larger
using RequestId = StrongInt<struct RequestIdTag>;  // one request of a client, named by the front that took it

using SessionId = StrongInt<struct SessionIdTag>;  // a client's WebSocket connection; never reused within a boot

}  // namespace np2p

template <class Tag, class Int>
struct std::hash<np2p::StrongInt<Tag, Int>> {
  std::size_t operator()(const np2p::StrongInt<Tag, Int>& id) const noexcept {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(id.value) * 0x9E3779B97F4A7C15ull);
  }
};
