#include "core/overlay/swarm/hyparview.h"

#include <algorithm>

#include "core/base/vectors.h"
#include "core/overlay/swarm/coordinates.h"
#include "core/overlay/swarm/netgroup.h"

namespace np2p::swarm {
namespace {

constexpr Duration kAnswerTime = 10s;       // for an answer to Neighbor
constexpr Duration kRefused = 1min;         // who refused is not asked again for this long
constexpr Duration kRefillPause = 2s;       // between rounds in which nobody was left to be tried; doubles to
constexpr Duration kLongestRefill = 10min;  // for the last places, which nobody else may have free
constexpr Duration kFirstBegging = 2s;      // between requests for more references; doubles to
constexpr Duration kLongestBegging = 3min;
constexpr Duration kNearerMax = 32min;
constexpr int kWorthSwapping = 5;        // a neighbour for one nearer by this part of the round trip
constexpr std::size_t kJoinSample = 24;  // references for one who cannot be found by walks
constexpr std::uint8_t kSamplesDue = 4;  // of one neighbour at a time
constexpr Duration kPushPause = 30min;   // until somebody of the same netgroup may push out somebody again
constexpr std::size_t kPushing = 64;     // netgroups that are remembered for it
constexpr std::size_t kDoors = 3;        // that are waited for
constexpr Duration kDoorsTime = 1500ms;  // and how long

}  // namespace

HyParView::HyParView(const Config& config, const SwarmParams& params, Host& host, Links& links)
    : params_(params),
      host_(host),
      links_(links),
      rng_(config.seed, "swarm/hyparview"),
      view_(params, links),
      passive_(params.passive, params.trees > 0),
      doors_awaited_(std::min(config.bootstrap.size(), kDoors)),
      refill_pause_(kRefillPause),
      nearer_pause_(params.nearer_every),
      beg_pause_(kFirstBegging) {
  const MonoTime now = host_.clock.mono();
  shuffle_at_ = now + rng_.between(5s, params.shuffle_every);
  nearer_at_ = now + jittered(params.nearer_every);
  refill_at_ = now + kRefillPause;
}

Duration HyParView::jittered(Duration mean) {
  return rng_.between(mean * 3 / 4, mean * 5 / 4);
}

// --- views

bool HyParView::knows(const NodeId& id) const noexcept {
  for (const Attempt& attempt : attempts_) {
    if (attempt.id == id) return true;
  }
  return view_.contains(id);
}

std::vector<PeerRef> HyParView::sample(std::size_t count) {
  std::vector<PeerRef> chosen;
  std::vector<LinkId> active = view_.links();
  rng_.shuffle(active);
  for (const LinkId link : active) {
    if (chosen.size() >= count / 2) break;
    const Peer* peer = links_.find(link);
    if (peer->reachable()) chosen.push_back(peer->ref());
  }
  for (const PeerRef& ref : passive_.sample(count - chosen.size(), rng_)) chosen.push_back(ref);
  return chosen;
}

void HyParView::heard(const PeerRef& ref) {
  if (ref.id == host_.node_key.id() || !links_.may_dial(ref.address) || knows(ref.id)) return;
  passive_.add(ref, rng_);
}

void HyParView::linked(const Peer& peer) {
  if (peer.reachable() && !as_published()) heard(peer.ref());
}

void HyParView::add(Peer& peer, bool client, bool chosen) {
  view_.add(peer, client, chosen);
  passive_.remove(peer.id);
  if (view_.is_full()) beg_pause_ = kFirstBegging;
  links_.add_use(peer.link, Use::active);
  changes_.push_back({peer.link, true});
}

void HyParView::remove(LinkId link) {
  if (view_.remove(link)) changes_.push_back({link, false});
}

// Tells the neighbour, remembers it for later, and lets go of the link.
void HyParView::disconnect(LinkId link) {
  remove(link);
  // If we have asked it, too, its answer is older than this and must not bring it back, to us alone.
  std::erase_if(attempts_, [&](const Attempt& one) { return one.link == link; });
  if (const Peer* peer = links_.find(link)) {
    const PeerRef ref = peer->ref();
    links_.send(link, Disconnect{}, Priority::control, Traffic::control);
    links_.drop_use(link, Use::active);
    if (!ref.address.is_unspecified()) heard(ref);
  }
}

void HyParView::make_room(LinkId comes) {
  if (const LinkId link = view_.leaver(rng_, comes)) disconnect(link);
}

bool HyParView::wished(LinkId link) const noexcept {
  return std::any_of(attempts_.begin(), attempts_.end(),
                     [&](const Attempt& one) { return one.link == link && one.chosen; });
}

// Two are neighbours already, and there are others to choose: a network of one netgroup is left alone.
bool HyParView::is_one_too_many(const Address& at) const noexcept {
  if (chooses_at_ && netgroup(at) != 0) return true;
  return !as_published() && view_.group_is_full(at) &&
         passive_.any([&](const PeerRef& one) { return !view_.group_is_full(one.address); });
}

// Who comes to a full view pushes somebody out. Of one netgroup only one may in a while, unless there are no others:
// else who has many addresses there would soon have all places but those of the settled ones.
bool HyParView::may_push(const Address& from) const noexcept {
  const std::uint64_t group = netgroup(from);
  if (group == 0 || as_published()) return true;
  const MonoTime now = host_.clock.mono();
  const bool did = std::any_of(pushing_.begin(), pushing_.end(),
                               [&](const Pushing& one) { return one.group == group && one.until > now; });
  return !did || !passive_.any([&](const PeerRef& one) { return netgroup(one.address) != group; });
}

bool HyParView::push(LinkId comes) {
  const Peer* peer = links_.find(comes);
  if (peer == nullptr || !may_push(peer->remote)) return false;
  const MonoTime now = host_.clock.mono();
  const std::uint64_t group = netgroup(peer->remote);
  std::erase_if(pushing_, [&](const Pushing& one) { return one.until <= now || one.group == group; });
  if (group != 0 && !as_published()) {
    if (pushing_.size() == kPushing) pushing_.erase(pushing_.begin());
    make_room_for_one(pushing_);
    pushing_.push_back({group, now + kPushPause});
  }
  make_room(comes);
  return true;
}

// --- becoming neighbours

bool HyParView::try_neighbour(const PeerRef& ref, Urgency urgency, bool chosen) {
  attempts_.push_back({ref.id, netgroup(ref.address), {}, urgency, false, chosen, host_.clock.mono()});
  const LinkId link = links_.connect(ref, Use::active);  // an open link is reported as ready, too
  if (!link) {
    attempts_.pop_back();
    return false;
  }
  attempts_.back().link = link;
  return true;
}

void HyParView::ask(Attempt& attempt) {
  attempt.asked = true;
  attempt.since = host_.clock.mono();
  const Peer* peer = links_.find(attempt.link);
  const bool anchor = peer != nullptr && std::erase(anchors_, peer->listens) != 0;
  const bool in_need = view_.size() == 0 || (!as_published() && attempt.chosen && view_.lacks_chosen());
  if (anchor || (attempt.urgency == Urgency::low && in_need)) attempt.urgency = Urgency::high;
  links_.send(attempt.link, Neighbor{attempt.urgency}, Priority::control, Traffic::control);
}

void HyParView::drop_attempt(std::size_t index) {
  const LinkId link = attempts_[index].link;
  attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(index));
  if (view_.find(link) == nullptr) links_.drop_use(link, Use::active);
}

// As many at a time as there are free places; who is tried next follows from how these end.
void HyParView::refill() {
  if (chooses_at_ && host_.clock.mono() < *chooses_at_) return;
  std::size_t trying = 0;
  std::size_t uninvited = 0;
  for (const Attempt& attempt : attempts_) {
    if (attempt.urgency != Urgency::nearer) ++(attempt.chosen ? trying : uninvited);
  }
  trying += std::min(uninvited, view_.places_for_uninvited());
  while (view_.size() + trying < view_.capacity()) {
    const PeerRef* ref = candidate();
    if (ref == nullptr) {
      if (trying == 0) beg(host_.clock.mono());
      break;
    }
    const PeerRef chosen = *ref;
    if (try_neighbour(chosen, Urgency::low)) {
      ++trying;
    } else {
      passive_.remove(chosen.id);
    }
  }
}

// Anybody, as long as the view has not its random members; then the nearest: one who had to make room for a nearer one
// would otherwise start with a far one again, and views would never settle.
const PeerRef* HyParView::candidate() {
  const MonoTime now = host_.clock.mono();
  if (wants_nearer() && view_.nearly_full() && !is_vague(links_.coordinates()) && view_.has_its_random()) {
    const PeerRef* nearest = passive_.best(now, Duration::max(), [&](const PeerRef& ref) {
      return knows(ref.id) || view_.group_is_full(ref.address) ? Duration::max() : view_.expected_rtt(ref.at);
    });
    if (nearest != nullptr) return nearest;
  }
  if (!as_published()) {
    std::vector<std::uint64_t> groups = view_.groups();
    for (const Attempt& attempt : attempts_) groups.push_back(attempt.group);
    for (const std::ptrdiff_t most : {0, 1}) {
      const PeerRef* ref = passive_.pick_by_group(now, rng_, [&](const PeerRef& one) {
        const std::uint64_t group = netgroup(one.address);
        return (group == 0 || std::count(groups.begin(), groups.end(), group) <= most) && !knows(one.id);
      });
      if (ref != nullptr) return ref;
    }
  }
  return passive_.pick(now, rng_, [&](const PeerRef& one) { return !knows(one.id); });
}

// Nobody is left to be tried: a neighbour may know others.
void HyParView::beg(MonoTime now) {
  if (now < beg_at_ || as_published()) return;
  const LinkId to = view_.random(rng_);
  if (!to) return;
  beg_at_ = now + beg_pause_;
  beg_pause_ = std::min(beg_pause_ * 2, kLongestBegging);
  ask_for_sample(to, Shuffle{});
}

// As many answers as questions are listened to: nobody else chooses when our views change.
void HyParView::ask_for_sample(LinkId to, const Message& question) {
  if (Peer* peer = links_.find(to); peer != nullptr && peer->samples_due < kSamplesDue) ++peer->samples_due;
  links_.send(to, question, Priority::control, Traffic::control);
}

void HyParView::changed(const LinkChange& change) {
  const auto attempt = std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& one) {
    return one.link == change.link || (one.id == change.id && change.kind == LinkChange::Kind::ready);
  });
  const bool used = (change.uses >> static_cast<unsigned>(Use::active) & 1u) != 0;
  switch (change.kind) {
    case LinkChange::Kind::ready:
      if (attempt == attempts_.end() || !used) return;
      attempt->link = change.link;
      if (view_.find(change.link) != nullptr) {
        attempts_.erase(attempt);  // it was faster and is a neighbour already
      } else if (!attempt->asked) {
        ask(*attempt);
      }
      return;
    case LinkChange::Kind::failed:
      if (attempt == attempts_.end()) return;
      passive_.remove(attempt->id);
      attempts_.erase(attempt);
      return refill();
    case LinkChange::Kind::lost:
      if (attempt != attempts_.end()) attempts_.erase(attempt);
      if (view_.find(change.link) == nullptr) return;
      remove(change.link);
      refill_pause_ = kRefillPause;
      return refill();
  }
}

void HyParView::peer_updated(const Peer& peer) {
  const PeerRef ref = peer.ref();
  const LinkId link = peer.link;
  const bool reachable = peer.reachable();
  const ActiveView::Neighbour* known = view_.find(link);
  if (known != nullptr && known->client && reachable && is_one_too_many(peer.remote)) {
    disconnect(link);
  } else if (known != nullptr && known->client == reachable) {
    const bool room = !reachable || view_.has_room(known->chosen);
    view_.set_client(link, !reachable);
    if (!room && !push(link)) disconnect(link);
  }
  if (reachable && !as_published()) heard(ref);  // before it could not take us in
}

// Until now others could not dial us: now walks spread us.
void HyParView::became_reachable() {
  if (const LinkId link = view_.random(rng_)) join(link);
  refill();
}

// What is left are neighbours that we serve no longer: a node behind NAT has fewer.
void HyParView::became_unreachable() {
  while (view_.size() > view_.capacity()) make_room();
}

void HyParView::accept(Peer& from) {
  const LinkId link = from.link;
  if (view_.find(link) == nullptr) add(from, !from.reachable(), wished(link));
  links_.send(link, NeighborAnswer{true, {}}, Priority::control, Traffic::control);
}

void HyParView::refuse(Peer& from) {
  links_.send(from.link, NeighborAnswer{false, sample(as_published() ? 0 : 6)}, Priority::control, Traffic::control);
}

// --- messages

void HyParView::join(LinkId link) {
  if (chooses_at_ || (doors_awaited_ > 1 && view_.size() == 0 && !as_published())) {
    if (!chooses_at_) chooses_at_ = host_.clock.mono() + kDoorsTime;
    doors_.push_back(link);
  }
  ask_for_sample(link, Join{});  // who cannot be dialled gets one
  const Peer* peer = links_.find(link);
  if (peer == nullptr || std::find(anchors_.begin(), anchors_.end(), peer->listens) == anchors_.end()) return;
  if (!knows(peer->id)) try_neighbour(peer->ref(), Urgency::high);
}

void HyParView::answered(LinkId door) {
  if (std::erase(doors_, door) == 0 || --doors_awaited_ > 0) return;
  chooses_at_.reset();
  clear_out(doors_);
}

void HyParView::merge(LinkId link) {
  const Peer* peer = links_.find(link);
  if (peer == nullptr || !peer->reachable() || knows(peer->id)) return;
  const PeerRef found = peer->ref();
  try_neighbour(found, Urgency::high, false);
  join(link);
  walk(found, link);
}

void HyParView::walk(const PeerRef& joiner, LinkId but) {
  const Frame first = encode(ForwardJoin{joiner, static_cast<std::uint8_t>(params_.arwl)});
  for (const LinkId other : view_.links()) {
    if (other != but) links_.send(other, first, Priority::control, Traffic::control);
  }
}

void HyParView::on(Peer& from, const Join&) {
  if (!from.reachable()) {
    links_.send(from.link, ShuffleReply{sample(kJoinSample)}, Priority::control, Traffic::control);
    return;
  }
  const PeerRef joiner = from.ref();
  const LinkId link = from.link;
  if (view_.find(link) == nullptr) {
    if (!is_one_too_many(from.remote) && (view_.has_room(wished(link)) || push(link))) {
      accept(*links_.find(link));
    } else {
      links_.send(link, ShuffleReply{sample(kJoinSample)}, Priority::control, Traffic::control);
    }
  }
  walk(joiner, link);
}

void HyParView::on(Peer& from, const ForwardJoin& message) {
  if (message.joiner.id == host_.node_key.id()) return;
  const std::uint8_t ttl = std::min(message.ttl, static_cast<std::uint8_t>(params_.arwl));
  const LinkId onward = ttl == 0 ? LinkId{} : view_.random(rng_, from.link);
  if (!onward) {
    if (knows(message.joiner.id) || !links_.may_dial(message.joiner.address)) return;
    // A joiner is dialled at once, but nobody makes us dial the whole world.
    const Address& at = message.joiner.address;
    const bool welcome = !is_one_too_many(at) && (view_.has_room(false) || may_push(at));
    if (attempts_.size() >= view_.capacity() || !welcome) return heard(message.joiner);
    try_neighbour(message.joiner, Urgency::high, false);
    return;
  }
  if (ttl == params_.prwl) heard(message.joiner);
  links_.send(onward, ForwardJoin{message.joiner, static_cast<std::uint8_t>(ttl - 1)}, Priority::control,
              Traffic::control);
}

void HyParView::on(Peer& from, const Neighbor& message) {
  const LinkId link = from.link;
  if (view_.find(link) != nullptr) return accept(from);
  if (!from.reachable()) {
    if (links_.listens().is_unspecified() || view_.client_count() >= params_.clients) return refuse(from);
    return accept(from);
  }
  if (is_one_too_many(from.remote)) return refuse(from);
  const bool chosen = wished(link);
  if (view_.has_room(chosen)) return accept(from);
  if (message.urgency == Urgency::high && push(link)) return accept(*links_.find(link));
  const Peer* goes = message.urgency == Urgency::nearer && wants_nearer() ? view_.farthest(chosen) : nullptr;
  if (goes == nullptr || view_.rtt_of(from) >= view_.rtt_of(*goes)) return refuse(from);
  const NodeId left = goes->id;
  disconnect(goes->link);
  passive_.leave_alone(left, host_.clock.mono(), host_.clock.mono() + kNearerMax);
  accept(*links_.find(link));
}

void HyParView::on(Peer& from, const NeighborAnswer& message) {
  for (const PeerRef& ref : message.others) heard(ref);
  const LinkId link = from.link;
  answered(link);
  const auto attempt =
      std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& one) { return one.link == link; });
  if (attempt == attempts_.end() || !attempt->asked) {
    // Too late: we have given up waiting, and must not be a neighbour who does not know.
    if (message.accepted && view_.find(link) == nullptr) {
      links_.send(link, Disconnect{}, Priority::control, Traffic::control);
    }
    return;
  }
  const Urgency urgency = attempt->urgency;
  const NodeId id = attempt->id;
  if (!message.accepted) {
    drop_attempt(static_cast<std::size_t>(attempt - attempts_.begin()));
    passive_.leave_alone(id, host_.clock.mono(), host_.clock.mono() + kRefused);
    if (urgency == Urgency::high && view_.size() > 0) return;
    if (view_.nearly_full()) return;  // with the next round
    return refill();
  }
  const bool chosen = attempt->chosen;
  attempts_.erase(attempt);
  if (view_.find(link) != nullptr) {
    if (chosen) view_.choose(link);
  } else {
    if (!view_.has_room(chosen)) {
      const Peer* goes = urgency == Urgency::nearer ? view_.farthest(chosen) : nullptr;
      const Peer* comes = links_.find(link);
      if (goes != nullptr && comes != nullptr) {
        // Its coordinates have promised more than what was measured since, perhaps. Who goes now has been measured.
        const bool worth = view_.rtt_of(*comes) < view_.rtt_of(*goes);
        const NodeId left = worth ? goes->id : comes->id;
        disconnect(worth ? goes->link : link);
        passive_.leave_alone(left, host_.clock.mono(), host_.clock.mono() + kNearerMax);
        if (!worth) return;
      } else if (chosen) {
        make_room(link);
      } else if (!push(link)) {
        return disconnect(link);
      }
    }
    Peer* peer = links_.find(link);
    if (peer != nullptr) add(*peer, false, chosen);
  }
}

void HyParView::on(Peer& from, const Disconnect&) {
  const LinkId link = from.link;
  const PeerRef ref = from.ref();
  if (view_.find(link) == nullptr) return;
  remove(link);
  links_.drop_use(link, Use::active);
  refill_pause_ = kRefillPause;
  refill();
  if (!ref.address.is_unspecified()) heard(ref);
}

void HyParView::on(Peer& from, const Shuffle& message) {
  const std::uint8_t ttl = std::min(message.ttl, static_cast<std::uint8_t>(params_.shuffle_ttl));
  if (!message.origin) {
    links_.send(from.link, ShuffleReply{around(from)}, Priority::control, Traffic::control);
  } else if (const LinkId onward = ttl > 1 ? view_.random(rng_, from.link) : LinkId{}) {
    Shuffle on_its_way = message;
    on_its_way.ttl = static_cast<std::uint8_t>(ttl - 1);
    links_.send(onward, on_its_way, Priority::control, Traffic::control);
    return;
  }
  if (message.origin) heard(*message.origin);
  for (const PeerRef& ref : message.sample) heard(ref);
  if (!view_.is_full()) refill();
}

bool HyParView::awaits_sample(Peer& from) {
  if (from.samples_due == 0) {
    host_.observer.rejected("sample", error(ErrorCode::not_found, "nobody asked"), from.link);
    return false;
  }
  --from.samples_due;
  return true;
}

void HyParView::on(Peer& from, const ShuffleReply& message) {
  for (const PeerRef& ref : message.sample) heard(ref);
  answered(from.link);
  if (!view_.is_full()) refill();
}

// --- time

// The walk ends somewhere and leaves our sample there; nobody answers it with a cold link. What we learn comes with
// the walks of others, and for a node behind NAT, which no walk can name, with the answer of its neighbour.
void HyParView::shuffle() {
  const LinkId to = view_.random(rng_);
  if (!to) return;
  Shuffle message;
  message.ttl = static_cast<std::uint8_t>(params_.shuffle_ttl);
  if (!links_.listens().is_unspecified()) message.origin = links_.own_ref();
  std::vector<LinkId> active = view_.links();
  rng_.shuffle(active);
  for (const LinkId link : active) {
    if (message.sample.size() == params_.shuffle_active) break;
    const Peer* peer = links_.find(link);
    if (link != to && peer->reachable()) message.sample.push_back(peer->ref());
  }
  for (const PeerRef& ref : passive_.sample(params_.shuffle_passive, rng_)) message.sample.push_back(ref);
  if (message.origin) return links_.send(to, message, Priority::control, Traffic::control);
  ask_for_sample(to, message);
}

void HyParView::look_for_nearer(MonoTime now) {
  nearer_at_ = now + jittered(nearer_pause_);
  if (is_vague(links_.coordinates())) return;
  bool found = false;
  const Peer* far = view_.is_full() ? view_.farthest(true) : nullptr;
  if (far != nullptr) {
    const Duration cost = view_.rtt_of(*far);
    const PeerRef* candidate = passive_.best(now, cost - cost / kWorthSwapping, [&](const PeerRef& ref) {
      return knows(ref.id) || view_.group_is_full(ref.address) ? Duration::max() : view_.expected_rtt(ref.at);
    });
    if (candidate != nullptr) {
      const PeerRef chosen = *candidate;
      passive_.leave_alone(chosen.id, now, now + 4 * params_.nearer_every);
      found = try_neighbour(chosen, Urgency::nearer);
    }
  }
  if (!found) nearer_pause_ = std::min(nearer_pause_ * 2, kNearerMax);
  nearer_at_ = now + jittered(nearer_pause_);
  ask_around();
}

// Who is near to us knows others who are (compare Voulgaris, van Steen: "VICINITY", 2013).
void HyParView::ask_around() {
  LinkId to = view_.random(rng_);
  const Peer* least = view_.nearest();
  if (least != nullptr && rng_.below(2) == 0) to = least->link;
  if (to) ask_for_sample(to, Shuffle{});
}

// Of all we know, some of the nearest to a place, and some others.
std::vector<PeerRef> HyParView::around(const Peer& asker) {
  const std::size_t count = params_.shuffle_active + params_.shuffle_passive;
  if (is_vague(asker.at)) return sample(count);
  std::vector<std::pair<Duration, const Peer*>> nearest;  // nearest first
  for (const Peer& peer : links_.ready()) {
    if (!peer.reachable() || peer.link == asker.link || is_vague(peer.at) || !links_.stands(peer)) continue;
    const Duration rtt = predicted_rtt(peer.at, asker.at);
    if (nearest.size() < count - count / 4) {
      nearest.emplace_back();
    } else if (rtt >= nearest.back().first) {
      continue;
    }
    std::size_t place = nearest.size() - 1;
    for (; place > 0 && rtt < nearest[place - 1].first; --place) nearest[place] = nearest[place - 1];
    nearest[place] = {rtt, &peer};
  }
  std::vector<PeerRef> chosen = sample(count - nearest.size());
  for (const auto& [rtt, peer] : nearest) chosen.push_back(peer->ref());
  return chosen;
}

MonoTime HyParView::next_due() const noexcept {
  MonoTime next = wants_nearer() ? std::min(shuffle_at_, nearer_at_) : shuffle_at_;
  if (!view_.is_full() || !attempts_.empty()) next = std::min(next, refill_at_);
  if (chooses_at_) next = std::min(next, *chooses_at_);
  return next;
}

void HyParView::due(MonoTime now) {
  if (chooses_at_ && *chooses_at_ <= now) {
    chooses_at_.reset();
    doors_awaited_ = 0;
    clear_out(doors_);
    refill();
  }
  if (now >= refill_at_) {
    for (std::size_t i = attempts_.size(); i-- > 0;) {
      if (attempts_[i].asked && attempts_[i].since + kAnswerTime <= now) drop_attempt(i);
    }
    refill();
    // Whom to try is known again when a reference comes in or a refusal has aged: look now and then, less when full.
    refill_pause_ = view_.nearly_full() ? std::min(refill_pause_ * 2, kLongestRefill) : kRefillPause;
    refill_at_ = now + (view_.size() * 2 < view_.capacity() ? kRefillPause : std::max(refill_pause_, 5 * kRefillPause));
  }
  if (now >= shuffle_at_) {
    shuffle();
    shuffle_at_ = now + jittered(params_.shuffle_every);
  }
  if (wants_nearer() && now >= nearer_at_) look_for_nearer(now);
}

std::optional<HyParView::NeighbourChange> HyParView::next() {
  if (taken_ == changes_.size()) {
    clear_out(changes_);
    if (attempts_.empty()) clear_out(attempts_);
    taken_ = 0;
    return std::nullopt;
  }
  return changes_[taken_++];
}

}  // namespace np2p::swarm
