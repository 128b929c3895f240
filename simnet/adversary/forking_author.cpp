#include "core/event/validation.h"
#include "core/host/node_signature.h"
#include "core/overlay/overlay.h"
#include "core/overlay/swarm/fanout.h"
#include "core/wire/packet.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {
namespace {

constexpr std::size_t kBefore = 3;  // numbers that are the same for all

// As core/overlay/swarm/fanout.cpp has it: of this host and the receiver both can make it.
PairMac receipt_mac(Adversary::Means& means, const NodeId& receiver, std::uint64_t tag) {
  constexpr std::string_view kReceipt = "np2p/receipt/v1";
  ByteVec covered(kReceipt.begin(), kReceipt.end());
  covered.insert(covered.end(), means.network.begin(), means.network.end());
  covered.insert(covered.end(), receiver.view().begin(), receiver.view().end());
  for (unsigned shift = 0; shift < 64; shift += 8) covered.push_back(static_cast<std::uint8_t>(tag >> shift));
  return means.key.pair_mac(receiver, covered);
}

Frame packet_of(const std::vector<Event>& events) {
  std::vector<EventPtr> good;
  for (const Event& event : events) good.push_back(*ValidationGate::trusted(event));
  return good.empty() ? Frame() : encode_events(good);
}

}  // namespace

// What goes out for the first time, in order: which event has which number.
void ForkingAuthor::learn(const StreamPart& part) {
  const StreamHead& head = part.head;
  if (head.incarnation != incarnation_) {
    story_.clear();
    fork_ = 0;
    incarnation_ = head.incarnation;
  }
  if (part.covers != 1 || part.packet.empty() || story_.count(head.seq) != 0) return;
  if (!story_.empty() && story_.rbegin()->first + 1 != head.seq) return;
  auto packet = decode_packet(part.packet.view(), Limits{});
  if (!packet.ok() || packet->events.size() != 1) return;
  Numbered next{packet->events.front(), head.chain, head.chain};
  if (fork_ == 0 && story_.size() >= kBefore) fork_ = head.seq;
  if (fork_ != 0) {
    const Numbered& before = story_.rbegin()->second;
    // The other half gets once more what it has.
    next.other = next_chain(before.other, fork_ == head.seq ? before.event.id : next.event.id);
  }
  story_.emplace(head.seq, std::move(next));
}

bool ForkingAuthor::retell(StreamHead& head) {
  const auto at = story_.find(head.seq);
  if (head.incarnation != incarnation_ || fork_ == 0 || head.seq < fork_ || at == story_.end()) return false;
  head.chain = at->second.other;
  head.sig = sign_as_node(means_.key, kStreamTag, means_.network, signed_part(head));
  return true;
}

Frame ForkingAuthor::retold(const StreamPart& part) {
  StreamPart told = part;
  if (!retell(told.head)) return {};
  auto packet = part.packet.empty() ? Result<Packet>(Packet{}) : decode_packet(part.packet.view(), Limits{});
  if (!packet.ok()) return {};
  const Numbered& first = story_.at(fork_);
  for (Event& event : packet->events) {
    if (event.id == first.event.id) event = story_.at(fork_ - 1).event;
  }
  told.packet = packet_of(packet->events);
  return encode_stream_part(told);
}

// The other story in place of the first one; false: they do not differ.
bool ForkingAuthor::retell(std::uint8_t channel, Frame& payload) {
  if (static_cast<Channel>(channel) == Channel::stream) {
    const auto part = decode_stream_part(payload.view(), Limits{});
    if (!part.ok()) return false;
    Frame told = retold(*part);
    if (told.empty()) return false;
    payload = std::move(told);
    return true;
  }
  if (static_cast<Channel>(channel) != Channel::extension) return false;
  auto said = decode_extension(payload.view(), Limits{});
  if (!said.ok()) return false;
  StreamNews* news = nullptr;
  if (auto* announce = std::get_if<Announce>(&*said)) news = &announce->news;
  if (auto* followed = std::get_if<Followed>(&*said); followed != nullptr && followed->news) news = &*followed->news;
  if (auto* mail = std::get_if<Mail>(&*said)) {
    if (!retell(mail->channel, mail->payload)) return false;
  } else if (news == nullptr || !retell(news->head)) {
    return false;
  } else {
    for (EventId& id : news->ids) {
      if (id == story_.at(fork_).event.id) id = story_.at(fork_ - 1).event.id;
    }
  }
  payload = encode_extension(*said);
  return true;
}

bool ForkingAuthor::says(LinkId link, swarm::Message& message) {
  if (auto* spread = std::get_if<swarm::Spread>(&message); spread != nullptr && spread->from == means_.key.id()) {
    if (const auto part = decode_stream_part(spread->payload.view(), Limits{}); part.ok()) learn(*part);
    const std::uint64_t tag = copy_tag(spread->payload);
    if (!is_other_half(spread->via) || !retell(spread->channel, spread->payload)) return true;
    spread->tag = copy_tag(spread->payload);
    tags_[spread->tag] = tag;
    return true;
  }
  const auto peer = peers_.find(link);
  if (auto* handed = std::get_if<swarm::Handed>(&message); handed != nullptr && handed->from == means_.key.id()) {
    if (const auto part = decode_stream_part(handed->payload.view(), Limits{}); part.ok()) learn(*part);
    const std::uint64_t tag = copy_tag(handed->payload);
    if (peer == peers_.end() || !is_other_half(peer->second) || !retell(handed->channel, handed->payload)) return true;
    handed->tag = copy_tag(handed->payload);
    tags_[handed->tag] = tag;
    return true;
  }
  const auto* routed = std::get_if<swarm::Routed>(&message);
  if (routed != nullptr && routed->from != means_.key.id()) return true;  // it carries that for somebody else
  const Spoken spoken = spoken_in(message);
  if (spoken.payload == nullptr || (routed == nullptr && peer == peers_.end())) return true;
  if (!is_other_half(routed != nullptr ? routed->to : peer->second)) return true;
  Frame payload = *spoken.payload;
  if (retell(spoken.channel, payload)) say_instead(message, std::move(payload), means_);
  return true;
}

std::optional<std::uint64_t> ForkingAuthor::true_tag(std::uint64_t tag) const {
  const auto at = tags_.find(tag);
  return at == tags_.end() ? std::nullopt : std::optional(at->second);
}

// Its node must not notice that somebody has got something else, or it would announce what it knows.
bool ForkingAuthor::hears(LinkId link, const swarm::Message& message) {
  if (const auto* receipt = std::get_if<swarm::Receipt>(&message)) {
    const auto tag = true_tag(receipt->tag);
    const auto peer = peers_.find(link);
    if (!tag || peer == peers_.end()) return true;
    means_.hand(link, swarm::Receipt{receipt->from, *tag, receipt_mac(means_, peer->second, *tag)});
    return false;
  }
  const auto* receipts = std::get_if<swarm::Receipts>(&message);
  const auto tag = receipts != nullptr && receipts->to == means_.key.id() ? true_tag(receipts->tag) : std::nullopt;
  if (!tag) return true;
  swarm::Receipts translated = *receipts;
  translated.tag = *tag;
  for (auto& one : translated.got) {
    for (const auto& [at, node] : peers_) {
      if (swarm::short_node(node) == one.who) one.mac = receipt_mac(means_, node, *tag);
    }
  }
  means_.hand(link, translated);
  return false;
}

}  // namespace np2p::sim
