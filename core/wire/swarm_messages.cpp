#include "core/wire/swarm_messages.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

namespace np2p::swarm {
namespace {

constexpr std::size_t kRefs = 64;      // references in one message
constexpr std::size_t kIds = 4096;     // short ids in one message
constexpr std::size_t kRecords = 8;    // directory records of one key
constexpr std::size_t kRecord = 2048;  // bytes of one

class Writer {
 public:
  template <class Int>
  void number(const Int& value) {
    for (std::size_t i = sizeof(Int); i-- > 0;) {
      bytes_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
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
    number(static_cast<std::uint8_t>(std::min(list.size(), kRefs)));
    for (std::size_t i = 0; i < std::min(list.size(), kRefs); ++i) ref(list[i]);
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
    number(static_cast<std::uint16_t>(std::min(ids.size(), kIds)));
    for (std::size_t i = 0; i < std::min(ids.size(), kIds); ++i) number(ids[i]);
  }
  void announced(const std::vector<Announced>& ids) {
    number(static_cast<std::uint16_t>(std::min(ids.size(), kIds)));
    for (std::size_t i = 0; i < std::min(ids.size(), kIds); ++i) {
      number(ids[i].id);
      number(ids[i].cell);
      number(ids[i].delay);
    }
  }
  [[nodiscard]] const ByteVec& out() const noexcept { return bytes_; }

 private:
  ByteVec bytes_;
};

// Reads past the end leave ok() false and give zeros.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  template <class Int>
  void number(Int& value) {
    std::uint64_t result = 0;
    for (const std::uint8_t byte : take(sizeof(Int))) result = result << 8 | byte;
    value = static_cast<Int>(result);
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
    if (count > kRefs) return fail();
    for (std::size_t i = 0; i < count && ok_; ++i) ref(list.emplace_back());
  }
  void records(std::vector<ByteVec>& list) {
    std::uint8_t count = 0;
    number(count);
    if (count > kRecords) return fail();
    for (std::size_t i = 0; i < count && ok_; ++i) {
      std::uint16_t size = 0;
      number(size);
      if (size > kRecord) return fail();
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
  void announced(std::vector<Announced>& ids) {
    ids.resize(count(sizeof(ShortId) + 1 + sizeof(PathDelay)));
    for (Announced& one : ids) {
      number(one.id);
      number(one.cell);
      number(one.delay);
    }
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
    if (announced > kIds || rest_.size() < announced * item_bytes) fail();
    return ok_ ? announced : 0;
  }
  ByteView rest_;
  bool ok_ = true;
};

// The fields of each type, once for both directions: Io is a Writer with a const message or a Reader with one to fill.
// `room` bounds payloads.
template <class Io, class M>
void fields(Io& io, M& m, std::size_t room) {
  using T = std::remove_const_t<M>;
  if constexpr (std::is_same_v<T, Hello>) {
    io.number(m.version);
    io.number(m.boot);
    io.number(m.features);
    io.number(m.sent_at);
    io.number(m.salt);
    io.fixed(m.owner);
    io.address(m.listens);
    io.coordinates(m.at);
  } else if constexpr (std::is_same_v<T, HelloEcho>) {
    io.number(m.sent_at);
    io.address(m.observed);
    io.coordinates(m.at);
  } else if constexpr (std::is_same_v<T, Unused>) {
    io.flag(m.again);
  } else if constexpr (std::is_same_v<T, DialBack>) {
    io.number(m.port);
  } else if constexpr (std::is_same_v<T, ForwardJoin>) {
    io.ref(m.joiner);
    io.number(m.ttl);
  } else if constexpr (std::is_same_v<T, Neighbor>) {
    io.choice(m.urgency, Urgency::nearer);
  } else if constexpr (std::is_same_v<T, NeighborAnswer>) {
    io.flag(m.accepted);
    io.refs(m.others);
  } else if constexpr (std::is_same_v<T, Shuffle>) {
    io.optional_ref(m.origin);
    io.number(m.ttl);
    io.refs(m.sample);
  } else if constexpr (std::is_same_v<T, ShuffleReply>) {
    io.refs(m.sample);
  } else if constexpr (std::is_same_v<T, Gossip>) {
    io.number(m.cell);
    io.number(m.hops);
    io.number(m.channel);
    io.number(m.delay);
    io.fixed(m.source);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, IHave>) {
    io.announced(m.ids);
  } else if constexpr (std::is_same_v<T, Graft>) {
    io.number(m.cell);
    io.short_ids(m.ids);
  } else if constexpr (std::is_same_v<T, Prune>) {
    io.number(m.cell);
  } else if constexpr (std::is_same_v<T, Watch>) {
    io.flag(m.on);
  } else if constexpr (std::is_same_v<T, FindNode>) {
    io.number(m.query);
    io.fixed(m.target);
  } else if constexpr (std::is_same_v<T, FoundNodes>) {
    io.number(m.query);
    io.refs(m.nodes);
  } else if constexpr (std::is_same_v<T, Put>) {
    io.fixed(m.key);
    io.number(m.hops);
    io.records(m.records);
  } else if constexpr (std::is_same_v<T, Replicate>) {
    io.fixed(m.key);
    io.records(m.records);
  } else if constexpr (std::is_same_v<T, Get>) {
    io.fixed(m.key);
    io.number(m.query);
    io.number(m.hops);
  } else if constexpr (std::is_same_v<T, Got>) {
    io.number(m.query);
    io.number(m.hops);
    io.records(m.records);
  } else if constexpr (std::is_same_v<T, Reserved>) {
    io.flag(m.granted);
  } else if constexpr (std::is_same_v<T, Routed>) {
    io.fixed(m.via);
    io.fixed(m.to);
    io.fixed(m.from);
    io.number(m.boot);
    io.number(m.counter);
    io.number(m.hops);
    io.number(m.channel);
    io.fixed(m.source);
    io.array(m.mac);
    io.blob(m.payload, room);
  } else if constexpr (std::is_same_v<T, Direct>) {
    io.number(m.channel);
    io.blob(m.payload, room);
  }  // the others have no fields
}

template <std::size_t I>
Result<Message> decode_as(ByteView body, const Limits& limits) {
  std::variant_alternative_t<I, Message> message{};
  Reader in(body);
  fields(in, message, limits.frame_bytes);
  if (!in.ok()) return error(ErrorCode::malformed, "a message of type " + std::to_string(I + 1) + " does not parse");
  return Message{std::move(message)};
}

using Decoder = Result<Message> (*)(ByteView, const Limits&);
template <std::size_t... I>
constexpr std::array<Decoder, sizeof...(I)> decoders(std::index_sequence<I...>) {
  return {&decode_as<I>...};
}
constexpr auto kDecoders = decoders(std::make_index_sequence<std::variant_size_v<Message>>{});

}  // namespace

// The type byte is the place in Message's list, from 1: new types are added at its end.
Frame encode(const Message& message) {
  Writer out;
  out.number(static_cast<std::uint8_t>(message.index() + 1));
  std::visit([&](const auto& m) { fields(out, m, 0); }, message);
  return Frame(out.out());
}

Result<Message> decode(ByteView bytes, const Limits& limits) {
  if (bytes.empty()) return error(ErrorCode::malformed, "an empty message");
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "a message over the limit");
  const std::size_t type = bytes[0];
  if (type == 0 || type > kDecoders.size()) {
    return error(ErrorCode::unknown_type, "a message of the unknown type " + std::to_string(type));
  }
  return kDecoders[type - 1](bytes.subspan(1), limits);
}

}  // namespace np2p::swarm
