#include "core/overlay/swarm/directory.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/vectors.h"
#include "core/overlay/swarm/voucher.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kReplicas = 8;
constexpr std::size_t kNearerNodes = kReplicas * 3 / 2;  // where so many are linked, a record is theirs to keep
constexpr std::size_t kFirstHops = 3;
constexpr std::size_t kFurtherHops = 12;
constexpr std::size_t kAround = 2;     // bits by which a node may be farther from a key than those who keep it
constexpr Duration kAnswerTime = 10s;  // after this nobody waits for an answer any more
constexpr std::int64_t kSlack = 600;   // seconds by which clocks may differ
constexpr std::int64_t kSweep = 60;    // seconds between looks for what has expired

}  // namespace

Directory::Directory(const Config& config, Host& host, Links& links, const Fingers& fingers, Evidence& evidence)
    : config_(config),
      host_(host),
      links_(links),
      fingers_(fingers),
      evidence_(evidence),
      rng_(config.seed, "swarm/directory"),
      bindings_(config, host.node_key.id()),
      shelf_(config) {}

bool Directory::keeps(const Key& key) const noexcept {
  return takes_part() && fingers_.is_near(host_.node_key.id().data, key.data);
}

// One of the nodes around the key that are nearer to it than we are, by lot, so that none of them stands in the way of
// all; as long as none is known, greedily. 0: nobody is nearer.
LinkId Directory::onward(const Key& key, LinkId from) {
  std::vector<LinkId> around;
  for (const LinkId link : fingers_.nearest(key.data, kReplicas)) {
    const Peer* peer = links_.find(link);
    if (link == from || peer->path == Path::tunnel || !fingers_.is_near(peer->id.data, key.data, kAround)) continue;
    if (nearer(peer->id.data, host_.node_key.id().data, key.data)) around.push_back(link);
  }
  if (!around.empty()) return around[static_cast<std::size_t>(rng_.below(around.size()))];
  const LinkId greedy = fingers_.toward(key.data);
  return greedy == from ? LinkId{} : greedy;
}

void Directory::put(const Key& key, const std::vector<ByteVec>& records) {
  if (keeps(key)) return take_in(key, records, {});
  const std::vector<LinkId> hops = fingers_.nearest(key.data, kFirstHops + kFurtherHops);
  if (hops.empty()) return;
  const LinkId hop = hops[static_cast<std::size_t>(rng_.below(hops.size()))];
  links_.send(hop, Put{key, 0, records}, Priority::control, Traffic::control);
}

// From here on all of the nearest have it. Who has it from one of them knows that they do.
void Directory::take_in(const Key& key, const std::vector<ByteVec>& records, LinkId from) {
  std::vector<ByteVec> before = held(key);
  for (ByteVec& one : guardians_of(key)) before.push_back(std::move(one));
  const std::vector<ByteVec> good = keep_all(key, records, from);
  const bool news = std::any_of(good.begin(), good.end(), [&](const ByteVec& one) {
    return std::find(before.begin(), before.end(), one) == before.end();
  });
  if (!news) return;
  const Frame copy = encode(Replicate{key, good});
  for (const LinkId link : fingers_.nearest(key.data, kReplicas - 1)) {
    if (link != from) links_.send(link, copy, Priority::control, Traffic::control);
  }
}

std::size_t Directory::get(const Key& key, std::uint64_t query, Get::What what) {
  std::size_t asked = 0;
  std::vector<ByteVec> own = held(key, static_cast<std::uint8_t>(what));
  if (!own.empty()) {
    answers_.push_back({query, std::move(own), host_.node_key.id()});
    ++asked;
  }
  return asked + ask_over(key, query, 0, kFirstHops, what);
}

std::size_t Directory::get_more(const Key& key, std::uint64_t query) {
  return ask_over(key, query, kFirstHops, kFurtherHops, Get::What::contacts);
}

// Each first hop is asked under a number of its own, so that none of them can answer for another.
std::size_t Directory::ask_over(const Key& key, std::uint64_t query, std::size_t first, std::size_t count,
                                Get::What what) {
  std::vector<LinkId> hops = fingers_.nearest(key.data, kFirstHops + kFurtherHops);
  std::sort(hops.begin(), hops.end(),
            [query](LinkId a, LinkId b) { return mix64(query ^ a.value) < mix64(query ^ b.value); });
  if (hops.size() > first + count) hops.resize(first + count);
  for (std::size_t i = first; i < hops.size(); ++i) {
    ask(hops[i], Get{key, mix64(query + i + 1), 0, static_cast<std::uint8_t>(what)}, query, {});
  }
  return hops.size() - std::min(first, hops.size());
}

void Directory::ask(LinkId link, const Get& question, std::uint64_t own, LinkId from) {
  const MonoTime now = host_.clock.mono();
  while (!asked_.empty() && asked_.front().at + kAnswerTime <= now) asked_.erase(asked_.begin());
  if (asked_.size() >= config_.limits.pending_queries) {
    // What others ask makes room: they do not choose what we get to know.
    auto oldest = std::find_if(asked_.begin(), asked_.end(), [](const Asked& one) { return one.from != LinkId{}; });
    if (oldest == asked_.end() && from) {
      return host_.observer.rejected("question", error(ErrorCode::full, "too many of our own"), from);
    }
    asked_.erase(oldest == asked_.end() ? asked_.begin() : oldest);
  }
  asked_.push_back({question.query, own, from, link, now});
  links_.send(link, question, Priority::control, Traffic::control);
}

std::optional<Directory::Answer> Directory::next() {
  if (answers_.empty()) return std::nullopt;
  Answer answer = std::move(answers_.front());
  answers_.erase(answers_.begin());
  return answer;
}

void Directory::on(Peer& from, const Put& message) {
  const bool stays = keeps(message.key) || message.hops >= config_.limits.hops;
  if (const LinkId link = stays ? LinkId{} : onward(message.key, from.link)) {
    Put on_its_way = message;
    ++on_its_way.hops;
    links_.send(link, on_its_way, Priority::control, Traffic::control);
    return;
  }
  if (takes_part()) take_in(message.key, message.records, from.link);
}

void Directory::on(Peer& from, const Replicate& message) {
  if (links_.listens().is_unspecified()) return;
  static_cast<void>(keep_all(message.key, message.records, from.link));
}

void Directory::on(Peer& from, const Get& message) {
  const LinkId back = from.link;
  const bool contacts = message.what == static_cast<std::uint8_t>(Get::What::contacts);
  const bool has_it = contacts ? answers(message.key) : !guardians_of(message.key).empty();
  const bool stays = has_it || message.hops >= config_.limits.hops;
  const LinkId link = stays ? LinkId{} : onward(message.key, back);
  if (!link) {
    std::vector<ByteVec> records = held(message.key, message.what);
    if (!records.empty()) vouch(records, message.query, host_.node_key, config_.network_id);
    links_.send(back, Got{message.query, message.hops, std::move(records)}, Priority::control, Traffic::control);
    return;
  }
  Get on_its_way = message;
  ++on_its_way.hops;
  ask(link, on_its_way, 0, back);
}

void Directory::on(Peer& from, const Got& message) {
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const Asked& one) { return one.query == message.query && one.to == from.link; });
  if (asked == asked_.end()) {
    return host_.observer.rejected("answer", error(ErrorCode::not_found, "nobody asked"), from.link);
  }
  const LinkId back = asked->from;
  const std::uint64_t own = asked->own;
  asked_.erase(asked);
  if (!back) {
    std::vector<ByteVec> records = message.records;
    const auto keeper = take_voucher(records, message.query, host_.verifier, config_.network_id);
    answers_.push_back({own, std::move(records), keeper.value_or(NodeId{})});
    return;
  }
  links_.send(back, message, Priority::control, Traffic::control);
}

void Directory::appeared(const Peer& peer) {
  if (!peer.reachable() || links_.listens().is_unspecified()) return;
  std::vector<Key> keys;
  for (const Stored& one : stored_) keys.push_back(one.key);
  bindings_.add_keys(keys);
  shelf_.add_keys(keys);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::uint64_t> others;  // the leading bits are enough: this is about who sends, and two may
  for (const Peer& one : links_.ready()) {
    if (one.reachable() && one.link != peer.link) others.push_back(leading(one.id.data));
  }
  const std::uint64_t own = leading(host_.node_key.id().data);
  for (const Key& key : keys) {
    // Only the nearest of those who were there does it.
    const std::uint64_t target = leading(key.data);
    const auto nearest = [&](std::uint64_t one) { return (one ^ target) < (own ^ target); };
    if (std::any_of(others.begin(), others.end(), nearest)) continue;
    const std::vector<LinkId> near = fingers_.nearest(key.data, kReplicas - 1);
    if (std::find(near.begin(), near.end(), peer.link) == near.end()) continue;
    std::vector<ByteVec> records = held(key);
    for (ByteVec& one : guardians_of(key)) records.push_back(std::move(one));
    if (records.empty()) continue;
    links_.send(peer.link, Replicate{key, std::move(records)}, Priority::control, Traffic::control);
  }
}

// --- records

std::vector<ByteVec> Directory::keep_all(const Key& key, const std::vector<ByteVec>& records, LinkId from) {
  std::vector<ByteVec> good;
  for (const ByteVec& record : records) {
    if (keep(key, record, from)) good.push_back(record);
  }
  return good;
}

bool Directory::keep(const Key& key, const ByteVec& record, LinkId from) {
  expire();
  if (is_of(RecordType::contact, record)) return keep_contact(key, record, from);
  if (is_of(RecordType::bind, record)) return keep_bind(key, record, from);
  if (is_of(RecordType::guardians, record)) return keep_guardians(key, record, from);
  host_.observer.rejected("record", error(ErrorCode::unknown_type, "a record of an unknown type"), from);
  return false;
}

bool Directory::keep_contact(const Key& key, const ByteVec& record, LinkId from) {
  const auto refuse = [&](const Error& why) {
    host_.observer.rejected("record", why, from);
    return false;
  };
  const auto plain = decode_contact(record);
  if (!plain.ok()) return refuse(plain.error());
  const std::int64_t now = unix_seconds(host_.clock.wall());
  const std::int64_t life = config_.limits.contact_life / 1s;
  if (plain->expires <= now || plain->expires > now + life + kSlack) {
    return refuse(error(ErrorCode::bad_field, "a contact that has expired or never does"));
  }
  if (directory_key(plain->owner) != key) {
    return refuse(error(ErrorCode::bad_field, "a contact under another's key"));
  }
  if (forbids(bound(key, plain->owner), plain->node, now)) {
    return refuse(error(ErrorCode::forbidden, "a claimant whom its user did not bind"));
  }
  auto at = first_of(key);
  std::size_t claims = 0;
  while (at != stored_.end() && at->key == key && at->node != plain->node) {
    ++at;
    ++claims;
  }
  const bool known = at != stored_.end() && at->key == key;
  if (known && plain->sequence == at->sequence) {
    again(*at, record);
    return at->record == record;
  }
  if (known && plain->sequence < at->sequence) return false;  // a replay
  if (!known && claims >= config_.limits.claims) return refuse(error(ErrorCode::full, "a claim too many"));
  if (!checks_.take(host_.clock.mono())) return refuse(error(ErrorCode::rate_limited, "too many records at once"));
  const auto verified = verify_contact(record, host_.verifier, config_.network_id);
  if (!verified.ok()) return refuse(verified.error());
  if (known) {
    at->sequence = plain->sequence;
    at->expires = plain->expires;
    at->last = now;
    at->record = record;
    return true;
  }
  if (!room_for_one_more()) return refuse(error(ErrorCode::full, "no room"));
  make_room_for_one(stored_);
  at = first_of(key);
  while (at != stored_.end() && at->key == key) ++at;
  stored_.insert(at, {key, plain->node, plain->sequence, plain->expires, now, now, record});
  return true;
}

bool Directory::keep_guardians(const Key& key, const ByteVec& record, LinkId from) {
  const auto refuse = [&](const Error& why) {
    host_.observer.rejected("record", why, from);
    return false;
  };
  auto plain = decode_guardians(record);
  if (!plain.ok()) return refuse(plain.error());
  const std::int64_t now = unix_seconds(host_.clock.wall());
  if (plain->expires <= now || plain->expires > now + config_.limits.ward_life / 1s + kSlack) {
    return refuse(error(ErrorCode::bad_time, "guardians for a time that is over, or for ever"));
  }
  if (directory_key(plain->owner) != key) {
    return refuse(error(ErrorCode::bad_field, "guardians under another's key"));
  }
  if (forbids(bound(key, plain->owner), plain->node, now)) {
    return refuse(error(ErrorCode::forbidden, "guardians named by a node that the user did not bind"));
  }
  const GuardianShelf::Kept* held = shelf_.find(key, plain->node);
  if (held != nullptr && !outranks(*plain, held->plain)) {
    if (held->record == record) return true;
    return refuse(error(ErrorCode::forbidden, "guardians of earlier"));
  }
  if (held == nullptr && !shelf_.has_room(key)) return refuse(error(ErrorCode::full, "guardians too many"));
  if (!checks_.take(host_.clock.mono())) return refuse(error(ErrorCode::rate_limited, "too many records at once"));
  const auto verified = verify_guardians(record, host_.verifier, config_.network_id);
  if (!verified.ok()) return refuse(verified.error());
  shelf_.put(key, std::move(*plain), record);
  return true;
}

// The first one stays. An honest node counts its contacts; one that signs two with one number is found out.
void Directory::again(const Stored& held, const ByteVec& record) {
  if (held.record.empty() || same_contact(held.record, record)) return;
  if (!checks_.take(host_.clock.mono())) return;
  if (!verify_contact(record, host_.verifier, config_.network_id).ok()) return;
  evidence_.found(Evidence::What::contact, held.node.data, held.sequence, held.record, record);
}

bool Directory::keep_bind(const Key& key, const ByteVec& record, LinkId from) {
  const auto refuse = [&](const Error& why) {
    host_.observer.rejected("record", why, from);
    return false;
  };
  auto claim = decode_bind_record(record, config_.limits);
  if (!claim.ok()) return refuse(claim.error());
  if (directory_key(claim->pubkey) != key) return refuse(error(ErrorCode::bad_field, "a BIND under another's key"));
  if (claim->created_at > unix_seconds(host_.clock.wall() + config_.limits.future_tolerance)) {
    return refuse(error(ErrorCode::bad_time, "a BIND from the future"));
  }
  const auto plain = decode_bind(*claim);
  const BindingPtr before = bound(key, claim->pubkey);
  if (before != nullptr) {
    if (before->bind.id == claim->id) return encode_bind(before->event) == record;  // held; or it only says to be it
    if (!outranks(*plain, before->bind) && !equivocates(*plain, before->bind)) return false;  // a replay
  }
  if (!checks_.take(host_.clock.mono())) return refuse(error(ErrorCode::rate_limited, "too many records at once"));
  const auto binding = verify_bind(std::move(*claim), config_.limits, host_.verifier);
  if (!binding.ok()) return refuse(binding.error());
  if (!replaces(*binding, before, evidence_)) return false;
  news_.push_back(*binding);
  return install(key, *binding) || refuse(error(ErrorCode::full, "no room for a BIND so far away"));
}

// From here on all other claims are void.
bool Directory::install(const Key& key, const BindingPtr& binding) {
  if (!bindings_.put(key, binding)) return false;
  const std::int64_t now = unix_seconds(host_.clock.wall());
  const auto begin = first_of(key);
  auto end = begin;
  while (end != stored_.end() && end->key == key) ++end;
  const auto kept = std::remove_if(begin, end, [&](const Stored& one) { return forbids(binding, one.node, now); });
  for (auto void_claim = kept; void_claim != end; ++void_claim) {
    host_.observer.rejected("record", error(ErrorCode::forbidden, "a claimant whom its user did not bind"), {});
  }
  stored_.erase(kept, end);
  shelf_.erase_if(
      [&](const GuardianShelf::Kept& one) { return one.key == key && forbids(binding, one.plain.node, now); });
  return true;
}

void Directory::learn(const BindingPtr& binding) {
  const Key key = directory_key(binding->bind.user);
  const BindingPtr before = bindings_.find(key);
  const auto claim = first_of(key);
  const bool keeps_some = (claim != stored_.end() && claim->key == key) || !guardians_of(key).empty();
  if (before == nullptr && !keeps_some) return;
  if (before != nullptr && before->bind.id == binding->bind.id) return;
  if (replaces(binding, before, evidence_)) install(key, binding);
}

BindingPtr Directory::next_bound() {
  if (news_.empty()) return nullptr;
  BindingPtr binding = std::move(news_.back());
  news_.pop_back();
  return binding;
}

// Our own store may have seen a BIND that nobody brought here.
BindingPtr Directory::bound(const Key& key, const PubKey& user) {
  if (BindingPtr known = bindings_.find(key)) return known;
  const auto claim = first_of(key);
  if (claim != stored_.end() && claim->key == key) return nullptr;  // looked for when it came
  BindingPtr stored = stored_binding(host_.store, user);
  if (stored) install(key, stored);
  return stored;
}

Directory::Place Directory::first_of(const Key& key) {
  return std::lower_bound(stored_.begin(), stored_.end(), key,
                          [](const Stored& a, const Key& wanted) { return a.key < wanted; });
}

// The place of a claim that is silent gives way to one that speaks.
bool Directory::room_for_one_more() {
  if (stored_.size() < config_.limits.directory_records) return true;
  const auto silent =
      std::find_if(stored_.begin(), stored_.end(), [](const Stored& one) { return one.record.empty(); });
  if (silent == stored_.end()) return false;
  stored_.erase(silent);
  return true;
}

bool Directory::answers(const Key& key) {
  expire();
  const std::int64_t now = unix_seconds(host_.clock.wall());
  const BindingPtr binding = bindings_.find(key);
  for (auto at = first_of(key); at != stored_.end() && at->key == key; ++at) {
    if (at->expires > now && !forbids(binding, at->node, now)) return true;
  }
  return false;
}

// The BIND, and the oldest claim first: it serves.
std::vector<ByteVec> Directory::held(const Key& key) {
  expire();
  const std::int64_t now = unix_seconds(host_.clock.wall());
  std::vector<ByteVec> records;
  const BindingPtr binding = bindings_.find(key);
  if (binding) records.push_back(encode_bind(binding->event));
  for (auto at = first_of(key); at != stored_.end() && at->key == key; ++at) {
    if (at->expires > now && !forbids(binding, at->node, now)) records.push_back(at->record);
  }
  return records;
}

std::vector<ByteVec> Directory::guardians_of(const Key& key) {
  const std::int64_t now = unix_seconds(host_.clock.wall());
  const BindingPtr binding = bindings_.find(key);
  std::vector<ByteVec> records;
  shelf_.each(key, [&](const GuardianShelf::Kept& one) {
    if (one.plain.expires > now && !forbids(binding, one.plain.node, now)) records.push_back(one.record);
  });
  return records;
}

std::vector<ByteVec> Directory::held(const Key& key, std::uint8_t what) {
  if (what == static_cast<std::uint8_t>(Get::What::contacts)) return held(key);
  if (what != static_cast<std::uint8_t>(Get::What::guardians)) return {};
  std::vector<ByteVec> records = guardians_of(key);
  const BindingPtr binding = bindings_.find(key);
  if (binding && !records.empty()) records.insert(records.begin(), encode_bind(binding->event));
  return records;
}

// Nodes that were near when the network was small hold much that the nearest of today have had from them. Only those
// count that we have dialled: anybody can make nodes near to a key, and dial its keepers.
bool Directory::is_far(const Key& key) const noexcept {
  const Point& own = host_.node_key.id().data;
  std::size_t count = 0;
  for (const Peer& peer : links_.ready()) {
    if (!peer.outbound || !peer.reachable() || !links_.stands(peer)) continue;
    if (nearer(peer.id.data, own, key.data) && ++count == kNearerNodes) return true;
  }
  return false;
}

std::size_t Directory::users_near(std::size_t bits) const noexcept {
  const Point& own = host_.node_key.id().data;
  const std::int64_t now = unix_seconds(host_.clock.wall());
  // They stand together: those below the first have other leading bits, as those behind the last.
  const auto begin = std::partition_point(stored_.begin(), stored_.end(), [&](const Stored& one) {
    return common_bits(one.key.data, own) < bits && one.key.data < own;
  });
  std::size_t count = 0;
  const Key* last = nullptr;
  for (auto at = begin; at != stored_.end() && common_bits(at->key.data, own) >= bits; ++at) {
    if (at->expires <= now || (last != nullptr && *last == at->key)) continue;
    last = &at->key;
    ++count;
  }
  return count;
}

void Directory::expire() {
  const std::int64_t now = unix_seconds(host_.clock.wall());
  if (now < expired_at_ + kSweep) return;
  expired_at_ = now;
  const std::int64_t life = config_.limits.claim_life / 1s;
  std::erase_if(stored_,
                [&](const Stored& one) { return (one.expires <= now && one.last + life <= now) || is_far(one.key); });
  if (stored_.size() < stored_.capacity() / 2) stored_.shrink_to_fit();
  shelf_.erase_if([&](const GuardianShelf::Kept& one) { return one.plain.expires <= now || is_far(one.key); });
  for (Stored& one : stored_) {
    if (one.expires <= now) ByteVec().swap(one.record);
  }
}

}  // namespace np2p::swarm
