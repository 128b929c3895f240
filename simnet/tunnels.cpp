#include "simnet/tunnels.h"

#include <algorithm>
#include <array>
#include <utility>

#include "simnet/wire_cost.h"

namespace np2p::sim {

namespace {

constexpr SimTime kEstablishing = 10 * kSecond;
constexpr SimTime kUnanswered = 5 * kSecond;
const SimTime kSilence = kOverlayLinks.ping_after_nat.count();
const SimTime kPongTimeout = kOverlayLinks.pong_timeout.count();

// What a record has beside its payload: the prefix of the frame, and what TLS adds. There is room in it for what this
// world needs: the kind, the number, the proof.
constexpr std::size_t kOverhead = 4 + kRecordOverhead;
constexpr std::size_t kHead = 1 + 8;
constexpr std::size_t kMac = std::tuple_size_v<PairMac>;
static_assert(kHead + kMac <= kOverhead);

}  // namespace

Tunnels::Tunnel* Tunnels::find(LinkId link) noexcept {
  for (Tunnel& tunnel : tunnels_) {
    if (tunnel.link == link) return &tunnel;
  }
  return nullptr;
}

PairMac Tunnels::mac_of(const Tunnel& tunnel, ByteView head, ByteView body) const {
  ByteVec covered(head.begin(), head.end());
  covered.insert(covered.end(), body.begin(), body.end());
  return key_.pair_mac(tunnel.peer, covered);
}

void Tunnels::put(Tunnel& tunnel, Record kind, ByteView body, std::size_t size, SimTime now) {
  ByteVec bytes(std::max(size, kOverhead + body.size()));
  // Who opened the tunnel and who answered count their records apart.
  bytes[0] = static_cast<std::uint8_t>(static_cast<unsigned>(kind) << 1 | (tunnel.outbound ? 1u : 0u));
  for (unsigned i = 0; i < 8; ++i) bytes[1 + i] = static_cast<std::uint8_t>(tunnel.sent >> (56 - 8 * i));
  std::copy(body.begin(), body.end(), bytes.begin() + static_cast<std::ptrdiff_t>(kOverhead));
  const PairMac mac = mac_of(tunnel, ByteView(bytes).first(kHead), ByteView(bytes).subspan(kOverhead));
  std::copy(mac.begin(), mac.end(), bytes.begin() + static_cast<std::ptrdiff_t>(kHead));
  ++tunnel.sent;
  if (kind != Record::pong && tunnel.unanswered == kNever) tunnel.unanswered = now;
  inputs_.push_back({Input::Kind::carry, {.link = tunnel.link, .peer = {}, .remote = {}}, Frame(bytes)});
}

LinkId Tunnels::open(const NodeId& peer, bool outbound, SimTime now) {
  Tunnel tunnel;
  tunnel.link = LinkId{kFirst + ++made_};
  tunnel.peer = peer;
  tunnel.outbound = outbound;
  tunnel.heard = now;
  tunnel.deadline = now + kEstablishing;
  tunnels_.push_back(std::move(tunnel));
  if (outbound) put(tunnels_.back(), Record::client_hello, {}, kClientHello, now);
  return tunnels_.back().link;
}

void Tunnels::carried(LinkId link, const Frame& record, SimTime now) {
  Tunnel* tunnel = find(link);
  if (tunnel == nullptr) return;
  const ByteView bytes = record.view();
  bool good = bytes.size() >= kOverhead;
  if (good) {
    std::uint64_t number = 0;
    for (unsigned i = 0; i < 8; ++i) number = number << 8 | bytes[1 + i];
    const PairMac mac = mac_of(*tunnel, bytes.first(kHead), bytes.subspan(kOverhead));
    good = number == tunnel->received && std::equal(mac.begin(), mac.end(), bytes.begin() + kHead) &&
           ((bytes[0] & 1u) != 0) != tunnel->outbound;
  }
  if (good) {
    ++tunnel->received;
    tunnel->heard = now;
    tunnel->unanswered = kNever;
    if (tunnel->up) tunnel->deadline = kNever;
    good = handle(link, static_cast<Record>(bytes[0] >> 1), bytes.subspan(kOverhead), now);
  }
  if (!good) take_down(link, CloseReason::protocol_error);
}

bool Tunnels::handle(LinkId link, Record kind, ByteView body, SimTime now) {
  Tunnel& tunnel = *find(link);
  const bool client = tunnel.outbound;
  switch (kind) {
    case Record::client_hello:
      if (client || tunnel.up) return false;
      put(tunnel, Record::server_flight, {}, kServerFlight, now);
      return true;
    case Record::server_flight:
      if (!client || tunnel.up) return false;
      put(tunnel, Record::client_done, {}, kClientFlight + kHello, now);
      return true;
    case Record::client_done:
      if (client || tunnel.up) return false;
      put(tunnel, Record::server_hello, {}, kHello, now);
      come_up(tunnel, now);
      return true;
    case Record::server_hello:
      if (!client || tunnel.up) return false;
      come_up(tunnel, now);
      return true;
    case Record::more:
    case Record::last:
      if (!tunnel.up) return false;
      tunnel.partial.insert(tunnel.partial.end(), body.begin(), body.end());
      if (kind == Record::more) return tunnel.partial.size() <= Limits{}.frame_bytes;
      inputs_.push_back({Input::Kind::frame, {.link = link, .peer = {}, .remote = {}}, Frame(tunnel.partial)});
      tunnel.partial.clear();
      return true;
    case Record::ping:
      put(tunnel, Record::pong, {}, kOverhead + 1, now);
      return true;
    case Record::pong:
      return true;
  }
  return false;
}

void Tunnels::come_up(Tunnel& tunnel, SimTime now) {
  tunnel.up = true;
  tunnel.deadline = kNever;
  tunnel.unanswered = kNever;
  tunnel.heard = now;
  const LinkInfo info{.link = tunnel.link,
                      .peer = tunnel.peer,
                      .proven = true,
                      .outbound = tunnel.outbound,
                      .path = Path::tunnel,
                      .remote = {}};
  inputs_.push_back({Input::Kind::up, info, {}});
}

void Tunnels::send(LinkId link, const Frame& frame, SimTime now) {
  Tunnel* tunnel = find(link);
  if (tunnel == nullptr || !tunnel->up) return;
  ByteView rest = frame.view();
  do {
    const ByteView part = rest.first(std::min<std::size_t>(rest.size(), kRecordPayload));
    rest = rest.subspan(part.size());
    put(*tunnel, rest.empty() ? Record::last : Record::more, part, 0, now);
  } while (!rest.empty());
}

void Tunnels::close(LinkId link) {
  std::erase_if(tunnels_, [link](const Tunnel& one) { return one.link == link; });
  for (std::size_t i = inputs_.size(); i-- > taken_;) {
    if (inputs_[i].info.link == link) inputs_.erase(inputs_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Tunnels::take_down(LinkId link, CloseReason reason) {
  close(link);
  inputs_.push_back({Input::Kind::down, {.link = link, .peer = {}, .remote = {}}, {}, reason});
}

void Tunnels::clear() noexcept {
  tunnels_.clear();
  inputs_.clear();
  taken_ = 0;
}

std::optional<Tunnels::Input> Tunnels::next() {
  if (taken_ == inputs_.size()) {
    inputs_.clear();
    taken_ = 0;
    return std::nullopt;
  }
  return std::move(inputs_[taken_++]);
}

SimTime Tunnels::ask_at(const Tunnel& tunnel) noexcept {
  if (!tunnel.up || tunnel.deadline != kNever) return kNever;
  const SimTime silent = tunnel.heard + kSilence;
  return tunnel.unanswered == kNever ? silent : std::min(silent, tunnel.unanswered + kUnanswered);
}

SimTime Tunnels::next_due() const noexcept {
  SimTime first = kNever;
  for (const Tunnel& tunnel : tunnels_) first = std::min({first, tunnel.deadline, ask_at(tunnel)});
  return first;
}

void Tunnels::due(SimTime now) {
  std::vector<LinkId> dead;
  for (Tunnel& tunnel : tunnels_) {
    if (tunnel.deadline <= now) {
      dead.push_back(tunnel.link);
    } else if (ask_at(tunnel) <= now) {
      put(tunnel, Record::ping, {}, kOverhead + 1, now);
      tunnel.deadline = now + kPongTimeout;
    }
  }
  for (const LinkId link : dead) take_down(link, CloseReason::timed_out);
}

}  // namespace np2p::sim
