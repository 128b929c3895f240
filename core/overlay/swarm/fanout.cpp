#include "core/overlay/swarm/fanout.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string_view>

#include "core/base/vectors.h"
#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

// After each try the receipt has so long to come. A try goes over
// another relay of the receiver's, of which several may have lost their power at once; a copy too many costs less than
// a post that is late.
constexpr Duration kPauses[] = {1200ms, 2s, 2500ms, 4s, 9s};
constexpr Duration kLed = 5s;  // before, where heads, then backups and at last we ourselves send (cells_copies.cpp)
constexpr Duration kGather = 200ms;     // receipts that travel together
constexpr std::size_t kCopyCost = 128;  // bytes, besides the payload
constexpr Duration kPassing = 1min;     // as long they are gathered for one payload
constexpr std::string_view kReceipt = "np2p/receipt/v1";

Traffic traffic_of(Channel channel) noexcept {
  return carries_events(channel) ? Traffic::payload : Traffic::control;
}

// The first one with that beginning of its id: they are in the order of their ids.
template <class Items>
auto place_of(Items& items, ShortNode first) {
  return std::lower_bound(items.begin(), items.end(), first,
                          [](const auto& one, ShortNode sought) { return short_node(one.receiver.node) < sought; });
}

template <class Items>
auto place_of(Items& items, const NodeId& node) {
  return std::lower_bound(items.begin(), items.end(), node,
                          [](const auto& one, const NodeId& sought) { return one.receiver.node < sought; });
}

}  // namespace

Fanout::Fanout(const Config& config, Host& host, Links& links, Router& router, Relay& relay)
    : config_(config), host_(host), links_(links), router_(router), relay_(relay) {}

PairMac Fanout::mac_of(const NodeId& other, const NodeId& receiver, std::uint64_t tag) {
  ByteVec covered(kReceipt.begin(), kReceipt.end());
  covered.insert(covered.end(), config_.network_id.begin(), config_.network_id.end());
  covered.insert(covered.end(), receiver.view().begin(), receiver.view().end());
  for (unsigned shift = 0; shift < 64; shift += 8) covered.push_back(static_cast<std::uint8_t>(tag >> shift));
  return host_.node_key.pair_mac(other, covered);
}

Fanout::Sent* Fanout::find(std::uint64_t tag) noexcept {
  const auto at = std::find_if(sent_.begin(), sent_.end(), [tag](const Sent& one) { return one.tag == tag; });
  return at == sent_.end() ? nullptr : &*at;
}

// --- what we send

std::vector<Fanout::Awaited> Fanout::admit(std::vector<Receiver> to, std::uint64_t tag) {
  std::vector<Awaited> fresh;
  for (Receiver& one : to) {
    if (one.node == host_.node_key.id()) continue;
    if (receivers_ + fresh.size() >= config_.limits.spread_receivers) {
      outcomes_.push_back({tag, one.user, one.node, false, false});
    } else {
      const std::uint8_t way = one.way;
      fresh.push_back({std::move(one), way, 0});
    }
  }
  std::sort(fresh.begin(), fresh.end(),
            [](const Awaited& a, const Awaited& b) { return a.receiver.node < b.receiver.node; });
  return fresh;
}

void Fanout::await(std::vector<Awaited> fresh, const Copy& copy, const Frame& payload, Duration first) {
  Sent* sent = find(copy.tag);
  if (sent == nullptr) {
    sent_.push_back({copy.tag, copy.channel, copy.priority, payload, 0, host_.clock.mono() + first, {}, 0});
    sent = &sent_.back();
  }
  drop_done(*sent);
  const std::size_t before = sent->missing.size();
  sent->missing.insert(sent->missing.end(), std::make_move_iterator(fresh.begin()),
                       std::make_move_iterator(fresh.end()));
  std::inplace_merge(sent->missing.begin(), sent->missing.begin() + static_cast<std::ptrdiff_t>(before),
                     sent->missing.end(),
                     [](const Awaited& a, const Awaited& b) { return a.receiver.node < b.receiver.node; });
  const auto twice = std::unique(sent->missing.begin(), sent->missing.end(),
                                 [](const Awaited& a, const Awaited& b) { return a.receiver.node == b.receiver.node; });
  sent->missing.erase(twice, sent->missing.end());
  receivers_ += sent->missing.size() - before;
  sent->open = sent->missing.size();
}

void Fanout::drop_done(Sent& sent) {
  std::erase_if(sent.missing, [](const Awaited& one) { return one.done; });
}

Fanout::Awaited* Fanout::missing(Sent& sent, const NodeId& node) noexcept {
  const auto one = place_of(sent.missing, node);
  return one != sent.missing.end() && one->receiver.node == node && !one->done ? &*one : nullptr;
}

// Erasing each at once would move all behind it, a hundred thousand times.
void Fanout::received(Sent& sent, Awaited& one) {
  outcomes_.push_back({sent.tag, one.receiver.user, one.receiver.node, true, true});
  one.done = true;
  --receivers_;
  if (--sent.open == 0) {
    sent_.erase(sent_.begin() + (&sent - sent_.data()));
  } else if (sent.open * 2 < sent.missing.size()) {
    drop_done(sent);
  }
}

void Fanout::send(std::vector<Receiver> to, Channel channel, const Frame& payload, Priority priority,
                  Assurance assurance) {
  const Copy copy{channel, priority, traffic_of(channel), copy_tag(payload)};
  std::vector<Awaited> fresh = admit(std::move(to), copy.tag);
  if (fresh.empty()) return;
  pass(fresh, copy, payload);
  if (assurance == Assurance::receipts) await(std::move(fresh), copy, payload, kPauses[0]);
}

void Fanout::expect(std::vector<Receiver> to, Channel channel, const Frame& payload, Priority priority) {
  const Copy copy{channel, priority, traffic_of(channel), copy_tag(payload)};
  std::vector<Awaited> fresh = admit(std::move(to), copy.tag);
  if (!fresh.empty()) await(std::move(fresh), copy, payload, kLed);
}

// One copy for each relay: a receiver's first way is over the relay that it shares with most of the others.
void Fanout::pass(const std::vector<Awaited>& to, const Copy& copy, const Frame& payload) {
  if (to.empty()) return;
  std::map<NodeId, std::size_t> shared;
  for (const Awaited& one : to) {
    for (const NodeId& via : one.receiver.vias) ++shared[via];
  }
  std::map<std::pair<NodeId, std::uint8_t>, std::vector<ShortNode>> copies;  // by relay, and by turn of the first hop
  for (const Awaited& one : to) {
    if (const Peer* peer = links_.find(one.receiver.node)) {
      const Handed handed{host_.node_key.id(), static_cast<std::uint8_t>(copy.channel), copy.tag, payload};
      links_.send(peer->link, handed, copy.priority, copy.traffic);
      continue;
    }
    std::vector<NodeId> vias = one.receiver.vias;
    std::erase(vias, host_.node_key.id());
    if (vias.empty()) continue;
    std::stable_sort(vias.begin(), vias.end(), [&](const NodeId& a, const NodeId& b) { return shared[a] > shared[b]; });
    copies[{vias[one.way % vias.size()], one.way}].push_back(short_node(one.receiver.node));
  }
  for (auto& [key, receivers] : copies) {
    spread(key.first, key.second, host_.node_key.id(), copy, payload, receivers);  // false: the next try goes elsewhere
  }
}

bool Fanout::spread(const NodeId& via, unsigned way, const NodeId& origin, const Copy& copy, const Frame& payload,
                    std::vector<ShortNode>& to) {
  const LinkId link = router_.first_hop(via, via, way, origin);  // who has others send it is spared
  if (!link) return false;
  std::sort(to.begin(), to.end());
  Spread message;
  message.via = via;
  message.from = host_.node_key.id();
  message.from_via = router_.own_via();
  message.origin = origin;
  message.channel = static_cast<std::uint8_t>(copy.channel);
  message.tag = copy.tag;
  message.payload = payload;
  for (std::size_t begin = 0; begin < to.size(); begin += kMostReceivers) {
    const auto first = to.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = std::min(kMostReceivers, to.size() - begin);
    message.to.assign(first, first + static_cast<std::ptrdiff_t>(count));
    links_.send(link, message, copy.priority, copy.traffic);
  }
  return true;
}

void Fanout::wait(std::uint64_t tag, MonoTime until) {
  if (Sent* sent = find(tag)) sent->at = std::max(sent->at, until);
}

void Fanout::confirm(std::uint64_t tag, const NodeId& node) {
  Sent* sent = find(tag);
  Awaited* one = sent != nullptr ? missing(*sent, node) : nullptr;
  if (one != nullptr) received(*sent, *one);
}

void Fanout::send_now(std::uint64_t tag, const std::vector<NodeId>& to) {
  Sent* sent = find(tag);
  if (sent == nullptr) return;
  std::vector<Awaited> now;
  for (const NodeId& node : to) {
    Awaited* one = missing(*sent, node);
    if (one == nullptr) continue;
    ++one->way;
    now.push_back(*one);
  }
  if (now.empty()) return;
  sent->at = std::max(sent->at, host_.clock.mono() + kPauses[0]);  // so long these may take for their receipts
  pass(now, {sent->channel, sent->priority, traffic_of(sent->channel), tag}, sent->payload);
}

bool Fanout::awaits(std::uint64_t tag, const NodeId& node) noexcept {
  Sent* sent = find(tag);
  return sent != nullptr && missing(*sent, node) != nullptr;
}

const Frame* Fanout::awaited(std::uint64_t tag) noexcept {
  const Sent* sent = find(tag);
  return sent == nullptr ? nullptr : &sent->payload;
}

// --- on the way

void Fanout::on(Peer& from, const Spread& message) {
  if (message.via == host_.node_key.id()) return serve(from, message);
  host_.observer.frame_was(Traffic::relay);
  const LinkId onward = message.hops < config_.limits.hops ? toward(message.via, from.link, message.origin) : LinkId{};
  if (!onward) {
    Receipts lost{message.from_via, message.from, 0, message.tag, {}, message.to};
    links_.send(from.link, lost, Priority::control, Traffic::control);
    return;
  }
  Spread on_its_way = message;
  ++on_its_way.hops;
  links_.send(onward, on_its_way, Priority::post, Traffic::relay);
}

void Fanout::serve(Peer& from, const Spread& message) {
  // Each once: who is named twice would get it twice for the price of eight bytes.
  const bool ascending =
      std::adjacent_find(message.to.begin(), message.to.end(), std::greater_equal<>{}) == message.to.end();
  if (!ascending || message.payload.empty() || copy_tag(message.payload) != message.tag) {
    return host_.observer.rejected("spread", error(ErrorCode::malformed, "not a payload for some, each once"),
                                   from.link);
  }
  const MonoTime now = host_.clock.mono();
  std::vector<const Peer*> receivers;
  std::vector<ShortNode> lost;
  bool for_us = false;
  for (const ShortNode who : message.to) {
    if (who == short_node(host_.node_key.id())) {
      for_us = true;
      continue;
    }
    const Peer* found = nullptr;
    for (const Peer& peer : links_.ready()) {
      if (short_node(peer.id) == who && peer.link != from.link) found = &peer;
    }
    found != nullptr ? receivers.push_back(found) : lost.push_back(who);
  }
  if (for_us) {
    const NodeId by = message.from == message.origin ? NodeId{} : message.from;
    arrive(from.link, message.origin, by, message.from_via, message.channel, message.tag, message.payload);
  }
  if (!receivers.empty()) {
    host_.observer.frame_was(Traffic::relay);
    if (const Status admitted =
            relay_.admit_copies(from.id, receivers.size() * (message.payload.size() + kCopyCost), now);
        !admitted.ok()) {
      host_.observer.rejected("spread", admitted.error(), from.link);
      lost.clear();  // those too are to be reached over others
      for (const ShortNode who : message.to) {
        if (who != short_node(host_.node_key.id())) lost.push_back(who);
      }
      receivers.clear();
    }
  }
  const Frame handed = encode(Handed{message.origin, message.channel, message.tag, message.payload});
  for (const Peer* peer : receivers) {
    links_.send(peer->link, handed, Priority::post, Traffic::relay);
  }
  if (!receivers.empty()) {
    std::erase_if(passed_, [&](const Passed& one) {
      if (!one.got.empty()) return false;
      return one.until <= now || (one.tag == message.tag && one.from == message.from && one.origin == message.origin &&
                                  std::includes(message.to.begin(), message.to.end(), one.to.begin(), one.to.end()));
    });
    if (passed_.size() >= config_.limits.spreads) {
      if (!passed_.front().got.empty()) flush(passed_.front());
      passed_.erase(passed_.begin());
    }
    passed_.push_back(
        {message.tag, message.origin, message.from, message.from_via, now + kPassing, {}, message.to, {}});
  }
  if (!lost.empty()) {
    const LinkId back = router_.carrier(message.from_via, message.from, {});
    const Receipts hint{message.from_via, message.from, 0, message.tag, {}, std::move(lost)};
    if (back) links_.send(back, hint, Priority::control, Traffic::control);
  }
}

void Fanout::on(Peer& from, const Receipt& message, bool counted) {
  if (message.from == short_node(host_.node_key.id())) return count(message.tag, &from.id, 0, message.mac, from.link);
  // To whoever had it handed over last, if several had: an earlier one may be gone.
  const ShortNode who = short_node(from.id);
  for (auto passed = passed_.rbegin(); passed != passed_.rend(); ++passed) {
    if (passed->tag != message.tag || short_node(passed->origin) != message.from) continue;
    if (!std::binary_search(passed->to.begin(), passed->to.end(), who)) continue;
    if (std::any_of(passed->got.begin(), passed->got.end(), [who](const Receipted& one) { return one.who == who; })) {
      return;
    }
    passed->got.push_back({who, message.mac});
    if (!passed->flush_at) passed->flush_at = host_.clock.mono() + kGather;
    return;
  }
  if (counted) return;
  host_.observer.rejected("receipt", error(ErrorCode::not_found, "nothing was handed over under this tag"), from.link);
}

void Fanout::flush(Passed& passed) {
  passed.flush_at.reset();
  Receipts message{passed.from_via, passed.from, 0, passed.tag, std::exchange(passed.got, {}), {}};
  const LinkId back = router_.carrier(passed.from_via, passed.from, {});
  if (back) links_.send(back, message, Priority::control, Traffic::control);
}

void Fanout::on(Peer& from, const Receipts& message) {
  if (message.to == host_.node_key.id()) {
    for (const Receipted& one : message.got) count(message.tag, nullptr, one.who, one.mac, from.link);
    Sent* sent = find(message.tag);
    if (sent == nullptr) return;
    std::vector<Awaited> again;
    for (const ShortNode who : message.lost) {
      for (auto at = place_of(sent->missing, who); at != sent->missing.end(); ++at) {
        Awaited& one = *at;
        if (short_node(one.receiver.node) != who) break;
        if (one.done) continue;
        if (one.hints + 1u >= one.receiver.vias.size()) {  // a hint is not proved
          doubt(one);
          continue;
        }
        ++one.hints;
        ++one.way;
        again.push_back(one);
      }
    }
    pass(again, {sent->channel, sent->priority, traffic_of(sent->channel), sent->tag}, sent->payload);
    return;
  }
  const LinkId onward =
      message.hops < config_.limits.hops ? router_.carrier(message.via, message.to, from.link) : LinkId{};
  if (!onward) return;
  Receipts on_its_way = message;
  ++on_its_way.hops;
  links_.send(onward, on_its_way, Priority::control, Traffic::control);
}

// --- what is for us

void Fanout::on(Peer& from, const Handed& message) {
  arrive(from.link, message.from, {}, {}, message.channel, message.tag, message.payload);
}

void Fanout::arrive(LinkId link, const NodeId& origin, const NodeId& by, const NodeId& by_via, std::uint8_t channel,
                    std::uint64_t tag, const Frame& payload) {
  if (!is_for_a_feed(static_cast<Channel>(channel))) {
    host_.observer.rejected("copy", error(ErrorCode::unknown_type, "an unknown channel"), link);
    return;
  }
  if (payload.empty() || copy_tag(payload) != tag) {
    host_.observer.rejected("copy", error(ErrorCode::malformed, "not the payload of its tag"), link);
    return;
  }
  Delivery delivery;
  delivery.channel = static_cast<Channel>(channel);
  delivery.cast = Delivery::Cast::copy;
  delivery.payload = payload;
  delivery.link = link;
  delivery.from_server = false;
  delivery.copied_by = origin;
  delivery.handed_by = by;
  delivery.copied_by_via = by_via;
  delivery.tag = tag;
  arrivals_.push_back(std::move(delivery));
}

void Fanout::receipt(const Delivery& copy) {
  const PairMac mac = mac_of(copy.copied_by, host_.node_key.id(), copy.tag);
  if (copy.copied_by_via == NodeId{}) {
    if (links_.find(copy.link) != nullptr) {
      links_.send(copy.link, Receipt{short_node(copy.copied_by), copy.tag, mac}, Priority::control, Traffic::control);
    }
    return;
  }
  const NodeId& to = copy.handed_by == NodeId{} ? copy.copied_by : copy.handed_by;
  const LinkId back = router_.carrier(copy.copied_by_via, to, {});
  Receipts message{copy.copied_by_via, to, 0, copy.tag, {{short_node(host_.node_key.id()), mac}}, {}};
  if (back) links_.send(back, message, Priority::control, Traffic::control);
}

void Fanout::count(std::uint64_t tag, const NodeId* node, ShortNode who, const PairMac& mac, LinkId link) {
  Sent* sent = find(tag);
  if (sent == nullptr) return;  // late: everybody has it, or was given up
  if (node != nullptr) who = short_node(*node);
  for (auto one = place_of(sent->missing, who); one != sent->missing.end(); ++one) {
    const NodeId& receiver = one->receiver.node;
    if (short_node(receiver) != who) return;
    if (one->done || (node != nullptr && receiver != *node)) continue;
    if (mac == PairMac{} || mac_of(receiver, receiver, tag) != mac) {
      host_.observer.rejected("receipt", error(ErrorCode::bad_signature, "not from whom it says"), link);
      return;
    }
    return received(*sent, *one);
  }
}

std::optional<Delivery> Fanout::next() {
  if (arrivals_.empty()) return std::nullopt;
  Delivery delivery = std::move(arrivals_.front());
  arrivals_.erase(arrivals_.begin());
  return delivery;
}

std::optional<CopyOutcome> Fanout::next_outcome() {
  if (outcomes_.empty()) return std::nullopt;
  const CopyOutcome outcome = outcomes_.back();
  outcomes_.pop_back();
  if (outcomes_.empty()) clear_out(outcomes_);
  return outcome;
}

std::optional<PubKey> Fanout::next_doubt() {
  if (doubts_.empty()) return std::nullopt;
  const PubKey user = doubts_.back();
  doubts_.pop_back();
  if (doubts_.empty()) clear_out(doubts_);
  return user;
}

void Fanout::doubt(const Awaited& one) {
  if (doubts_.size() < config_.limits.lookups_open) doubts_.push_back(one.receiver.user);
}

void Fanout::moved(const Receiver& now) {
  for (Sent& sent : sent_) {
    Awaited* one = missing(sent, now.node);
    if (one == nullptr || one->receiver.vias == now.vias) continue;
    one->receiver.vias = now.vias;
    one->hints = 0;
    pass({*one}, {sent.channel, sent.priority, traffic_of(sent.channel), sent.tag}, sent.payload);
  }
}

std::optional<MonoTime> Fanout::next_due() const noexcept {
  std::optional<MonoTime> first;
  for (const Sent& one : sent_) {
    if (!first || one.at < *first) first = one.at;
  }
  for (const Passed& one : passed_) {
    if (one.flush_at && (!first || *one.flush_at < *first)) first = one.flush_at;
  }
  return first;
}

void Fanout::due(MonoTime now) {
  for (Passed& one : passed_) {
    if (one.flush_at && *one.flush_at <= now) flush(one);
  }
  for (Sent& one : sent_) {
    if (one.at > now) continue;
    drop_done(one);
    if (++one.tries >= std::size(kPauses)) {
      for (const Awaited& missing : one.missing)
        outcomes_.push_back({one.tag, missing.receiver.user, missing.receiver.node, false, true});
      receivers_ -= one.missing.size();
      one.missing.clear();
      continue;
    }
    one.at = now + kPauses[one.tries];
    for (Awaited& missing : one.missing) {
      ++missing.way;
      if (one.tries == 1) doubt(missing);
    }
    pass(one.missing, {one.channel, one.priority, traffic_of(one.channel), one.tag}, one.payload);
  }
  std::erase_if(sent_, [](const Sent& one) { return one.missing.empty(); });
  if (sent_.empty()) clear_out(sent_);
}

std::size_t Fanout::bytes() const noexcept {
  return heap_bytes(sent_,
                    [](const Sent& one) {
                      return heap_bytes(one.missing, [](const Awaited& a) { return heap_bytes(a.receiver.vias); });
                    }) +
         heap_bytes(passed_, [](const Passed& one) { return heap_bytes(one.got) + heap_bytes(one.to); }) +
         heap_bytes(arrivals_) + heap_bytes(outcomes_) + heap_bytes(doubts_);
}

}  // namespace np2p::swarm
