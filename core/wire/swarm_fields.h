// How the fields of swarm messages and records stand in bytes; swarm_messages.h says in general. Both classes have the
// same names, so that a message lists its fields once for both directions.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/wire/swarm_messages.h"

namespace np2p::swarm {

inline constexpr std::size_t kMostRefs = 64;                   // references in one message
inline constexpr std::size_t kMostIds = 4096;                  // short ids in one message
inline constexpr std::size_t kMostReceivers = 128;             // of one copy: neighbours of one relay
inline constexpr std::size_t kMostRecords = 8;                 // directory records of one key
inline constexpr std::size_t kMostRecordBytes = 2048;          // bytes of one
inline constexpr std::size_t kMostRecordOfTunnel = 17 * 1024;  // a record of TLS, and what comes together with it

class FieldWriter {
 public:
  template <class Int>
  void number(const Int& value) {
    for (std::size_t i = sizeof(Int); i-- > 0;) {
      bytes_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
  }
  // A field that earlier versions lack, at the end of a message; zero is left out.
  template <class Int>
  void later(const Int& value) {
    if (value != 0) number(value);
  }
  void bytes(ByteView view) { bytes_.insert(bytes_.end(), view.begin(), view.end()); }
  template <class Fixed>
  void fixed(const Fixed& value) {
    bytes(value.view());
  }
  template <std::size_t N>
  void array(const std::array<std::uint8_t, N>& value) {
    bytes(value);
  }
  void blob(const Frame& frame, std::size_t /*limit*/) {
    number(static_cast<std::uint32_t>(frame.size()));
    bytes(frame.view());
  }
  void flag(bool value) { bytes_.push_back(value ? 1 : 0); }
  // 0: none, 4: an IPv4 address, 6: an IPv6 one.
  void address(const Address& address) {
    if (address.is_unspecified() && address.port == 0) {
      number(std::uint8_t{0});
    } else if (address.is_v4()) {
      number(std::uint8_t{4});
      number(address.v4_host_order());
      number(address.port);
    } else {
      number(std::uint8_t{6});
      bytes(address.ip);
      number(address.port);
    }
  }
  void coordinates(const Coordinates& at) {
    number(static_cast<std::uint16_t>(at.x));
    number(static_cast<std::uint16_t>(at.y));
    number(at.height);
    number(at.error);
  }
  void ref(const PeerRef& ref) {
    fixed(ref.id);
    address(ref.address);
    coordinates(ref.at);
  }
  void refs(const std::vector<PeerRef>& list) {
    number(static_cast<std::uint8_t>(std::min(list.size(), kMostRefs)));
    for (std::size_t i = 0; i < std::min(list.size(), kMostRefs); ++i) ref(list[i]);
  }
  void records(const std::vector<ByteVec>& list) {
    number(static_cast<std::uint8_t>(list.size()));
    for (const ByteVec& record : list) {
      number(static_cast<std::uint16_t>(record.size()));
      bytes(record);
    }
  }
  template <class Choice>
  void choice(Choice value, Choice /*last*/) {
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  void optional_ref(const std::optional<PeerRef>& value) {
    flag(value.has_value());
    if (value) ref(*value);
  }
  void short_ids(const std::vector<ShortId>& ids) {
    number(static_cast<std::uint16_t>(std::min(ids.size(), kMostIds)));
    for (std::size_t i = 0; i < std::min(ids.size(), kMostIds); ++i) number(ids[i]);
  }
  void short_nodes(const std::vector<ShortNode>& nodes) {
    number(static_cast<std::uint8_t>(std::min(nodes.size(), kMostReceivers)));
    for (std::size_t i = 0; i < std::min(nodes.size(), kMostReceivers); ++i) number(nodes[i]);
  }
  void receipted(const std::vector<Receipted>& list) {
    number(static_cast<std::uint8_t>(std::min(list.size(), kMostReceivers)));
    for (std::size_t i = 0; i < std::min(list.size(), kMostReceivers); ++i) {
      number(list[i].who);
      array(list[i].mac);
    }
  }
  void announced(const std::vector<Announced>& ids) {
    number(static_cast<std::uint16_t>(std::min(ids.size(), kMostIds)));
    for (std::size_t i = 0; i < std::min(ids.size(), kMostIds); ++i) {
      number(ids[i].id);
      number(ids[i].tree);
    }
  }
  void span(const Span& span) {
    number(span.since);
    number(span.until);
  }
  void path_entries(const std::vector<PathEntry>& entries) {
    number(static_cast<std::uint16_t>(std::min(entries.size(), kMostIds)));
    for (std::size_t i = 0; i < std::min(entries.size(), kMostIds); ++i) {
      number(entries[i].tree);
      number(entries[i].rank);
      number(entries[i].delay);
    }
  }
  template <class Item, class Each>
  void list(const std::vector<Item>& items, std::size_t /*item_bytes*/, Each each) {
    number(static_cast<std::uint16_t>(std::min(items.size(), kMostIds)));
    for (std::size_t i = 0; i < std::min(items.size(), kMostIds); ++i) each(items[i]);
  }
  [[nodiscard]] const ByteVec& out() const noexcept { return bytes_; }

 private:
  ByteVec bytes_;
};

// Reads past the end leave ok() false and give zeros.
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  template <class Int>
  void number(Int& value) {
    std::uint64_t result = 0;
    for (const std::uint8_t byte : take(sizeof(Int))) result = result << 8 | byte;
    value = static_cast<Int>(result);
  }
  template <class Int>
  void later(Int& value) {
    if (!at_end()) number(value);
  }
  template <class Fixed>
  void fixed(Fixed& value) {
    array(value.data);
  }
  template <std::size_t N>
  void array(std::array<std::uint8_t, N>& value) {
    const ByteView from = take(N);
    if (from.size() == N) std::copy(from.begin(), from.end(), value.begin());
  }
  void blob(Frame& value, std::size_t limit) {
    std::uint32_t size = 0;
    number(size);
    if (size > limit) return fail();
    const ByteView from = take(size);
    if (ok_) value = Frame(from);
  }
  void flag(bool& value) {
    std::uint8_t byte = 0;
    number(byte);
    if (byte > 1) return fail();
    value = byte == 1;
  }
  void address(Address& address) {
    std::uint8_t kind = 0;
    number(kind);
    address = Address{};
    if (kind == 4) {
      std::uint32_t ip = 0;
      std::uint16_t port = 0;
      number(ip);
      number(port);
      address = Address::v4(ip, port);
    } else if (kind == 6) {
      array(address.ip);
      number(address.port);
    } else if (kind != 0) {
      fail();
    }
    if (address.is_unspecified() && address.port == 0) address = Address{};  // "none" has one form only
  }
  void coordinates(Coordinates& at) {
    number(at.x);
    number(at.y);
    number(at.height);
    number(at.error);
  }
  void ref(PeerRef& ref) {
    fixed(ref.id);
    address(ref.address);
    coordinates(ref.at);
    if (ref.address.is_unspecified() || ref.address.port == 0) fail();
  }
  void refs(std::vector<PeerRef>& list) {
    std::uint8_t count = 0;
    number(count);
    if (count > kMostRefs) return fail();
    for (std::size_t i = 0; i < count && ok_; ++i) ref(list.emplace_back());
  }
  void records(std::vector<ByteVec>& list) {
    std::uint8_t count = 0;
    number(count);
    if (count > kMostRecords) return fail();
    for (std::size_t i = 0; i < count && ok_; ++i) {
      std::uint16_t size = 0;
      number(size);
      if (size > kMostRecordBytes) return fail();
      const ByteView from = take(size);
      list.emplace_back(from.begin(), from.end());
    }
  }
  template <class Choice>
  void choice(Choice& value, Choice last) {
    std::uint8_t byte = 0;
    number(byte);
    if (byte > static_cast<std::uint8_t>(last)) return fail();
    value = static_cast<Choice>(byte);
  }
  void optional_ref(std::optional<PeerRef>& value) {
    bool there = false;
    flag(there);
    if (there && ok_) ref(value.emplace());
  }
  void short_ids(std::vector<ShortId>& ids) {
    ids.resize(count(sizeof(ShortId)));
    for (ShortId& id : ids) number(id);
  }
  void short_nodes(std::vector<ShortNode>& nodes) {
    std::uint8_t count = 0;
    number(count);
    if (count > kMostReceivers) return fail();
    for (std::size_t i = 0; i < count && ok_; ++i) number(nodes.emplace_back());
  }
  void receipted(std::vector<Receipted>& list) {
    std::uint8_t count = 0;
    number(count);
    if (count > kMostReceivers) return fail();
    for (std::size_t i = 0; i < count && ok_; ++i) {
      number(list.emplace_back().who);
      array(list.back().mac);
    }
  }
  void announced(std::vector<Announced>& ids) {
    ids.resize(count(sizeof(ShortId) + 1));
    for (Announced& one : ids) {
      number(one.id);
      number(one.tree);
    }
  }
  void span(Span& span) {
    number(span.since);
    number(span.until);
    if (span.since >= span.until) fail();
  }
  void path_entries(std::vector<PathEntry>& entries) {
    entries.resize(count(1 + sizeof(std::uint32_t) + sizeof(PathDelay)));
    for (PathEntry& one : entries) {
      number(one.tree);
      number(one.rank);
      number(one.delay);
    }
  }
  template <class Item, class Each>
  void list(std::vector<Item>& items, std::size_t item_bytes, Each each) {
    items.resize(count(item_bytes));
    for (Item& item : items) each(item);
  }
  void fail() noexcept { ok_ = false; }

 private:
  ByteView take(std::size_t count) {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return {};
    }
    const ByteView head = rest_.first(count);
    rest_ = rest_.subspan(count);
    return head;
  }
  // A count whose items are all there: nothing is allocated for what does not follow.
  std::size_t count(std::size_t item_bytes) {
    std::uint16_t announced = 0;
    number(announced);
    if (announced > kMostIds || rest_.size() < announced * item_bytes) fail();
    return ok_ ? announced : 0;
  }
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace np2p::swarm
