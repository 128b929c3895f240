#include "simnet/tunnels.h"

#include <algorithm>
#include <array>
#include <utility>

#include "simnet/wire_cost.h"

namespace np2p::sim {

namespace {

constexpr SimTime kEstablishing = 10 * kSecond;
const SimTime kSilence = kOverlayLinks.ping_after_nat.count();
const SimTime kPongTimeout = kOverlayLinks.pong_timeout.count();
constexpr std::size_t kWindow = 256 * 1024;
constexpr std::size_t kCredit = 64 * 1024;  // given at once
constexpr std::size_t kBatch = 32 * 1024;   // looked for before the window counts again

// What TLS adds to a record. There is room in it for what this world needs: the kind, the number, the proof.
constexpr std::size_t kOverhead = kRecordOverhead;
constexpr std::size_t kHead = 1 + 4;
constexpr std::size_t kMac = std::tuple_size_v<PairMac>;
static_assert(kHead + kMac <= kOverhead);
// Before each part of a frame: its priority, and how much of the frame is still to come.
constexpr std::size_t kPrefix = 4;
constexpr unsigned kRestBits = 28;
constexpr std::size_t kWord = kPrefix + 1;  // of the link layer, as a ping
constexpr std::size_t kCreditWord = kWord + 4;

std::uint32_t number_at(ByteView bytes) noexcept {
  std::uint32_t number = 0;
  for (unsigned i = 0; i < 4; ++i) number = number << 8 | bytes[i];
  return number;
}

void append(ByteVec& out, std::uint32_t number) {
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(number >> (24 - 8 * i)));
}

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

void Tunnels::put(Tunnel& tunnel, Record kind, ByteView body, std::size_t size, Traffic traffic) {
  ByteVec bytes(std::max(size, kOverhead + body.size()));
  // Who opened the tunnel and who answered count their records apart.
  bytes[0] = static_cast<std::uint8_t>(static_cast<unsigned>(kind) << 1 | (tunnel.outbound ? 1u : 0u));
  for (unsigned i = 0; i < 4; ++i) bytes[1 + i] = static_cast<std::uint8_t>(tunnel.sent >> (24 - 8 * i));
  std::copy(body.begin(), body.end(), bytes.begin() + static_cast<std::ptrdiff_t>(kOverhead));
  const PairMac mac = mac_of(tunnel, ByteView(bytes).first(kHead), ByteView(bytes).subspan(kOverhead));
  std::copy(mac.begin(), mac.end(), bytes.begin() + static_cast<std::ptrdiff_t>(kHead));
  ++tunnel.sent;
  tunnel.outstanding += bytes.size();
  inputs_.push_back(
      {Input::Kind::carry, {.link = tunnel.link, .peer = {}, .remote = {}}, Frame(bytes), CloseReason::none, traffic});
}

LinkId Tunnels::open(const NodeId& peer, bool outbound, SimTime now) {
  Tunnel tunnel;
  tunnel.link = LinkId{kFirst + ++made_};
  tunnel.peer = peer;
  tunnel.outbound = outbound;
  tunnel.heard = now;
  tunnel.deadline = now + kEstablishing;
  tunnels_.push_back(std::move(tunnel));
  if (outbound) put(tunnels_.back(), Record::client_hello, {}, kClientHello);
  return tunnels_.back().link;
}

void Tunnels::carried(LinkId link, const Frame& record, SimTime now) {
  Tunnel* tunnel = find(link);
  if (tunnel == nullptr) return;
  const ByteView bytes = record.view();
  bool good = bytes.size() >= kOverhead;
  if (good) {
    const PairMac mac = mac_of(*tunnel, bytes.first(kHead), bytes.subspan(kOverhead));
    good = number_at(bytes.subspan(1)) == tunnel->received &&
           std::equal(mac.begin(), mac.end(), bytes.begin() + kHead) && ((bytes[0] & 1u) != 0) != tunnel->outbound;
  }
  if (good) {
    ++tunnel->received;
    tunnel->heard = now;
    if (tunnel->up) tunnel->deadline = kNever;
    tunnel->uncredited += bytes.size();
    good = handle(*tunnel, static_cast<Record>(bytes[0] >> 1), bytes.subspan(kOverhead), now);
  }
  if (!good) return take_down(link, CloseReason::protocol_error);
  if (!tunnel->up || tunnel->uncredited < kCredit) return;
  ByteVec body(kWord);
  append(body, static_cast<std::uint32_t>(std::exchange(tunnel->uncredited, 0)));
  put(*tunnel, Record::credit, body, 0);
}

bool Tunnels::handle(Tunnel& tunnel, Record kind, ByteView body, SimTime now) {
  const bool client = tunnel.outbound;
  switch (kind) {
    case Record::client_hello:
      if (client || tunnel.up) return false;
      put(tunnel, Record::server_flight, {}, kServerFlight);
      return true;
    case Record::server_flight:
      if (!client || tunnel.up) return false;
      put(tunnel, Record::client_done, {}, kClientFlight + kHello);
      return true;
    case Record::client_done:
      if (client || tunnel.up) return false;
      put(tunnel, Record::server_hello, {}, kHello);
      come_up(tunnel, now);
      return true;
    case Record::server_hello:
      if (!client || tunnel.up) return false;
      come_up(tunnel, now);
      return true;
    case Record::frames:
      return tunnel.up && take_frames(tunnel, body);
    case Record::ping:
      put(tunnel, Record::pong, {}, kOverhead + kWord);
      return true;
    case Record::pong:
      return true;
    case Record::credit:
      return take_credit(tunnel, body);
  }
  return false;
}

bool Tunnels::take_frames(Tunnel& tunnel, ByteView body) {
  while (!body.empty()) {
    if (body.size() < kPrefix) return false;
    const std::uint32_t prefix = number_at(body);
    const std::size_t rest = prefix & ((1u << kRestBits) - 1);
    const std::size_t priority = prefix >> kRestBits;
    body = body.subspan(kPrefix);
    if (priority >= kPriorities || rest > Limits{}.frame_bytes) return false;
    Partial& partial = tunnel.partial[priority];
    if (partial.rest != 0 && partial.rest != rest) return false;
    const ByteView part = body.first(std::min(rest, body.size()));
    body = body.subspan(part.size());
    partial.bytes.insert(partial.bytes.end(), part.begin(), part.end());
    partial.rest = rest - part.size();
    if (partial.rest != 0) continue;
    inputs_.push_back({Input::Kind::frame, {.link = tunnel.link, .peer = {}, .remote = {}}, Frame(partial.bytes)});
    partial.bytes.clear();
  }
  return true;
}

bool Tunnels::take_credit(Tunnel& tunnel, ByteView body) {
  if (body.size() < kCreditWord) return false;
  const std::uint32_t bytes = number_at(body.subspan(kWord));
  if (bytes > tunnel.outstanding) return false;
  tunnel.outstanding -= bytes;
  return true;
}

void Tunnels::come_up(Tunnel& tunnel, SimTime now) {
  tunnel.up = true;
  tunnel.deadline = kNever;
  tunnel.heard = now;
  const LinkInfo info{.link = tunnel.link,
                      .peer = tunnel.peer,
                      .proven = true,
                      .outbound = tunnel.outbound,
                      .path = Path::tunnel,
                      .remote = {}};
  inputs_.push_back({Input::Kind::up, info, {}});
}

void Tunnels::send(LinkId link, Frame frame, Priority priority, Traffic traffic) {
  Tunnel* tunnel = find(link);
  if (tunnel == nullptr || !tunnel->up) return;
  tunnel->queued += frame.size();
  tunnel->busy = tunnel->busy || tunnel->queued > kBusyBytes;
  tunnel->queues[static_cast<std::size_t>(priority)].push_back({std::move(frame), 0, traffic});
  if (tunnel->queued > Limits{}.queued_bytes) take_down(link, CloseReason::timed_out);  // a reader too slow to keep
}

void Tunnels::hold(LinkId link, bool held) {
  if (Tunnel* tunnel = find(link)) tunnel->held = held;
}

std::size_t Tunnels::queued_bytes(LinkId link) const noexcept {
  for (const Tunnel& tunnel : tunnels_) {
    if (tunnel.link == link) return tunnel.queued;
  }
  return 0;
}

// As much as one record takes, the most urgent first.
ByteVec Tunnels::fill(Tunnel& tunnel, Traffic& most) {
  ByteVec body;
  std::size_t largest = 0;
  for (std::size_t priority = 0; priority < kPriorities;) {
    std::deque<Queued>& queue = tunnel.queues[priority];
    if (queue.empty()) {
      ++priority;
      continue;
    }
    Queued& first = queue.front();
    const std::size_t left = first.frame.size() - first.sent;
    const std::size_t part = std::min<std::size_t>(left, kRecordPayload - kPrefix);
    if (body.size() + kPrefix + part > kRecordPayload) break;
    append(body, static_cast<std::uint32_t>(priority << kRestBits | left));
    const ByteView bytes = first.frame.view().subspan(first.sent, part);
    body.insert(body.end(), bytes.begin(), bytes.end());
    if (part >= largest) most = first.traffic;
    largest = std::max(largest, part);
    first.sent += part;
    tunnel.queued -= part;
    if (first.sent == first.frame.size()) queue.pop_front();
  }
  return body;
}

void Tunnels::pump(Tunnel& tunnel) {
  if (!tunnel.up || tunnel.held || tunnel.outstanding >= kWindow) return;
  for (std::size_t batched = 0; batched < kBatch;) {
    Traffic most = Traffic::control;
    const ByteVec body = fill(tunnel, most);
    if (body.empty()) break;
    batched += body.size();
    put(tunnel, Record::frames, body, 0, most);
  }
  if (!tunnel.busy || tunnel.queued >= kBusyBytes / 4) return;
  tunnel.busy = false;
  inputs_.push_back({Input::Kind::writable, {.link = tunnel.link, .peer = {}, .remote = {}}, {}});
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
    for (Tunnel& tunnel : tunnels_) pump(tunnel);
    if (inputs_.empty()) return std::nullopt;
  }
  return std::move(inputs_[taken_++]);
}

SimTime Tunnels::ask_at(const Tunnel& tunnel) noexcept {
  return !tunnel.up || tunnel.deadline != kNever ? kNever : tunnel.heard + kSilence;
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
      put(tunnel, Record::ping, {}, kOverhead + kWord);
      tunnel.deadline = now + kPongTimeout;
    }
  }
  for (const LinkId link : dead) take_down(link, CloseReason::timed_out);
}

}  // namespace np2p::sim
