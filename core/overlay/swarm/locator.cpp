#include "core/overlay/swarm/locator.h"

#include <algorithm>
#include <string>

#include "core/overlay/swarm/coordinates.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFirstRetry = 10s;  // of a lookup that found nothing; then as long as the user is away, up to
constexpr Duration kLongestRetry = 1h;
constexpr Duration kClaimRetry = 1min;  // likewise, of whether a claim holds
constexpr Duration kAgain = 1min;       // between two lookups because of signs that a user is back
constexpr Duration kFirstLinks = 1s;    // from the first link to a question that nobody could be asked before
constexpr Duration kAnswers = 3s;       // for the first answer
constexpr Duration kOthers = 2s;        // for the other answers, once one is there
constexpr Duration kEcho = 5s;          // by then an answer could have come
constexpr std::size_t kFew = 3;         // answers: more are not to be had in a small network
constexpr std::size_t kClaimed = 4;     // a part of the lookups: those that claims of others cause
constexpr unsigned kDoubts = 4;         // tries after which a claim is taken that one keeper makes alone
constexpr unsigned kGiveUp = 60;        // tries, two days; whoever still wants the user asks anew

// The age of a search, so that who comes back is found after about as long as it was away.
Duration pause_since(MonoTime since, MonoTime now) noexcept {
  return std::min<Duration>(now - since + kFirstRetry, kLongestRetry);
}

}  // namespace

Locator::Locator(const Config& config, Host& host, Links& links, Directory& directory, Router& router,
                 Evidence& evidence, std::uint64_t boot)
    : config_(config),
      host_(host),
      links_(links),
      directory_(directory),
      router_(router),
      evidence_(evidence),
      rng_(config.seed, "swarm/locator"),
      boot_(boot) {}

void Locator::start() {
  if (const BindingPtr stored = stored_binding(host_.store, config_.owner)) bound_ourselves(stored);
  load();
}

Locator::Known* Locator::find(const PubKey& user) noexcept {
  for (Known& one : known_) {
    if (one.user == user) return &one;
  }
  return nullptr;
}

bool Locator::forbidden(const Known& known) const noexcept {
  if (known.binding == nullptr) return config_.require_bind;
  return forbids(known.binding, known.node, unix_seconds(host_.clock.wall()));
}

bool Locator::alive(const Known& known) const noexcept {
  return !known.dead && known.expires > host_.clock.mono();
}

// A mere claim gets answers to what it said itself, and nothing else until the directory was asked. Where a contact has
// expired only questions go, which wait for an answer: somebody else may be there, or serve the user now.
const Locator::Known* Locator::usable(const PubKey& user, Channel channel) const noexcept {
  for (const Known& one : known_) {
    if (one.user != user) continue;
    const bool asks = channel == Channel::extension;
    const bool usable = alive(one) ? one.checked || asks : asks && fit_for_copy(one);
    return usable && !forbidden(one) && can_be_answered(one) ? &one : nullptr;
  }
  return nullptr;
}

std::optional<NodeId> Locator::serving(const PubKey& user) const {
  for (const Known& one : known_) {
    if (one.user != user) continue;
    if (one.binding != nullptr) return one.binding->bind.node;
    return one.checked && one.node != NodeId{} ? std::optional(one.node) : std::nullopt;
  }
  const BindingPtr stored = stored_binding(host_.store, user);
  return stored != nullptr ? stored->bind.node : std::nullopt;
}

bool Locator::reaches(const PubKey& user) const {
  return usable(user, Channel::packets) != nullptr;
}

std::optional<Whereabouts> Locator::find_alive(const PubKey& user) const {
  const Known* known = usable(user, Channel::packets);
  if (known == nullptr) return std::nullopt;
  Whereabouts found{known->node, known->listens, {}};
  if (known->via != NodeId{}) found.vias.push_back(known->via);
  for (const PeerRef& relay : known->relays) found.vias.push_back(relay.id);
  return found;
}

bool Locator::send(const PubKey& user, Channel channel, const Frame& payload, Priority priority) {
  if (usable(user, channel) == nullptr) {
    const Known* known = find(user);
    if (known == nullptr || can_be_answered(*known)) want(user);
    return false;
  }
  Known& known = *find(user);
  known.used = host_.clock.mono();
  const Traffic traffic = carries_events(channel) ? Traffic::payload : Traffic::control;
  std::vector<NodeId> vias;
  if (!known.listens.is_unspecified()) vias.push_back(known.node);
  if (known.via != NodeId{} && known.via != known.node) vias.push_back(known.via);
  // Relays nearest to us first would save little: hops lead anywhere in as many steps.
  for (const PeerRef& relay : known.relays) {
    if (relay.id != known.via) vias.push_back(relay.id);
  }
  if (vias.empty() && known.via != NodeId{}) vias.push_back(known.via);
  const unsigned turn = turn_of(known, channel);
  for (std::size_t i = 0; i < vias.size(); ++i) {
    const NodeId& via = vias[(turn + i) % vias.size()];
    if (!router_.send(via, known.node, channel, payload, priority, traffic, turn)) continue;
    try_expired(known);
    return true;
  }
  want(user);  // no link leads there: it may be somewhere else by now
  return false;
}

// Not before there is somebody who can be named as the way back: then the version rises.
bool Locator::can_be_answered(const Known& known) const noexcept {
  return has_way_back_ || !links_.listens().is_unspecified() || links_.find(known.node) != nullptr;
}

// What was not answered goes another way the next time: somebody may have swallowed it, or the answer. The same for
// answers, of which nobody says that they arrived: one that follows another after a while goes another way.
unsigned Locator::turn_of(Known& known, Channel channel) {
  const MonoTime now = host_.clock.mono();
  if (carries_events(channel)) {
    // Of the first one that is not answered: who writes often would never see that time pass otherwise.
    const bool silent = known.spoken_at != MonoTime{} && known.spoken_at + kEcho <= now;
    if (silent) ++known.turn;
    if (silent || known.spoken_at == MonoTime{}) known.spoken_at = now;
    return known.turn;
  }
  const bool later = known.answered_at != MonoTime{} && known.answered_at + kEcho <= now;
  if (later) ++known.answer_turn;
  if (later || known.answered_at == MonoTime{}) known.answered_at = now;
  return known.answer_turn;
}

// --- others

Locator::Known& Locator::remember(const PubKey& user) {
  if (Known* known = find(user)) return *known;
  if (known_.size() >= config_.limits.contacts) {
    // Mere claims go first: anybody can make as many as he likes.
    const auto oldest = std::min_element(known_.begin(), known_.end(), [](const Known& a, const Known& b) {
      return a.checked != b.checked ? b.checked : a.used < b.used;
    });
    host_.store.erase_value(Table::contacts, text_of(oldest->user.view()));
    known_.erase(oldest);
  }
  Known fresh;
  fresh.user = user;
  fresh.used = host_.clock.mono();
  fresh.binding = stored_binding(host_.store, user);
  return known_.emplace_back(std::move(fresh));
}

void Locator::want(const PubKey& user) {
  const auto known = std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.user == user; });
  if (known != wanted_.end()) {
    known->claimed = false;  // now it is wanted by ourselves
    return;
  }
  if (wanted_.size() >= config_.limits.lookups_open) return;
  const MonoTime now = host_.clock.mono();
  Wanted& fresh = wanted_.emplace_back();
  fresh.user = user;
  const Known* lost = find(user);
  fresh.since = lost != nullptr && lost->lost_at != MonoTime{} ? lost->lost_at : now;
  // Lost again where it was found: the search goes on that ended there.
  const MonoTime next = lost != nullptr && fresh.since < now ? lost->checked_at + pause_since(fresh.since, now) : now;
  fresh.at = next;
  fresh.tries = fresh.since < now ? 1 : 0;
  if (next <= now) ask(fresh, now);
}

void Locator::look_for(const PubKey& user) {
  if (reaches(user)) return;
  const MonoTime now = host_.clock.mono();
  Known* known = find(user);
  if (known != nullptr && known->checked_at != MonoTime{} && now < known->checked_at + kAgain) return;
  want(user);
  for (Wanted& one : wanted_) {
    if (one.user == user && !one.open && one.at > now) ask(one, now);
  }
}

// Because of what somebody says who may have made up the user: on a budget, and in a part of the room.
void Locator::check(const PubKey& user, LinkId from) {
  if (std::any_of(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.user == user; })) return;
  const auto claims = std::count_if(wanted_.begin(), wanted_.end(), [](const Wanted& one) { return one.claimed; });
  const bool full = static_cast<std::size_t>(claims) * kClaimed >= config_.limits.lookups_open;
  if (full || wanted_.size() >= config_.limits.lookups_open || !checks_.take(host_.clock.mono())) {
    return host_.observer.rejected("claim", error(ErrorCode::full, "too many to be checked"), from);
  }
  want(user);
  wanted_.back().claimed = true;
}

void Locator::ask(Wanted& wanted, MonoTime now) {
  wanted.query = rng_.next();
  Known* known = find(wanted.user);
  Duration pause = pause_since(wanted.since, now);
  if (known != nullptr && alive(*known)) pause = std::min(pause, kClaimRetry);  // it is there, and waits
  if (known != nullptr) known->checked_at = now;
  wanted.at = now + rng_.between(pause * 3 / 4, pause * 5 / 4);
  const unsigned before = wanted.tries++;
  wanted.came = 0;
  wanted.widened = false;
  wanted.until = now + kAnswers;
  wanted.ballot.forget_hearsay();
  wanted.asked = directory_.get(directory_key(wanted.user), wanted.query);
  wanted.open = wanted.asked > 0;
  if (!wanted.open) wanted.tries = before;
}

void Locator::answered(const Directory::Answer& answer) {
  if (answer.query == own_query_) {
    for (const ByteVec& record : answer.records) {
      if (!is_of(RecordType::bind, record)) continue;
      const auto binding = verify_bind_record(record, config_.limits, host_.verifier);
      if (binding.ok() && (*binding)->bind.user == config_.owner) bound_ourselves(*binding);
    }
    return;
  }
  const auto wanted =
      std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.query == answer.query; });
  if (wanted == wanted_.end()) return;
  if (wanted->came++ == 0) wanted->until = std::min(wanted->until, host_.clock.mono() + kOthers);
  count(*wanted, answer);
  if (wanted->came >= wanted->asked && settle(*wanted)) wanted_.erase(wanted);
}

// Three first hops are enough if their answers agree. If not, somebody lies or has nothing: all others are asked. Of
// those who are not there at all, and looked for again and again, not each time.
bool Locator::settle(Wanted& wanted) {
  if (decide(wanted)) return true;
  const bool further = wanted.ballot.size() > 1 || (wanted.tries & (wanted.tries - 1)) == 0;
  if (!wanted.widened && further) {
    wanted.widened = true;
    wanted.asked += directory_.get_more(directory_key(wanted.user), wanted.query);
    wanted.until = host_.clock.mono() + kAnswers;
    if (wanted.came >= wanted.asked) return settle(wanted);
  } else if (wanted.until <= host_.clock.mono()) {
    wanted.open = false;
  }
  return false;
}

// An answer speaks for one node: that which the user bound, else the oldest claim in it that holds. Whoever lies can
// sign a claim of its own, so one answer alone decides nothing. A BIND needs no votes.
void Locator::count(Wanted& wanted, const Directory::Answer& answer) {
  const auto bind = std::find_if(answer.records.begin(), answer.records.end(),
                                 [](const ByteVec& record) { return is_of(RecordType::bind, record); });
  if (bind != answer.records.end()) {
    const auto binding = verify_bind_record(*bind, config_.limits, host_.verifier);
    if (!binding.ok()) {
      host_.observer.rejected("record", binding.error(), {});
    } else if ((*binding)->bind.user == wanted.user) {
      adopt(remember(wanted.user), *binding);
      directory_.learn(*binding);
    }
  }
  bool voted = false;
  std::size_t contacts = 0;
  for (const ByteVec& record : answer.records) {
    if (is_of(RecordType::bind, record) || contacts >= config_.limits.claims) continue;
    ++contacts;
    count_contact(wanted, record, answer.keeper, voted);
  }
}

void Locator::count_contact(Wanted& wanted, const ByteVec& record, const NodeId& keeper, bool& voted) {
  const std::int64_t wall = unix_seconds(host_.clock.wall());
  auto contact = verify_contact(record, host_.verifier, config_.network_id);
  if (!contact.ok()) return host_.observer.rejected("record", contact.error(), {});
  if (contact->owner != wanted.user || contact->expires <= wall) return;
  const Known* known = find(wanted.user);
  const bool bound = known != nullptr && known->binding != nullptr;
  const bool votes = !voted && (!bound || !forbids(known->binding, contact->node, wall));
  voted = voted || votes;
  const NodeId node = contact->node;
  if (Ballot::Claim* same = wanted.ballot.find(node)) {
    if (contact->sequence == same->contact.sequence && !same_contact(record, same->record)) {
      evidence_.found(Evidence::What::contact, node.data, contact->sequence, same->record, record);
    }
    if (contact->sequence > same->contact.sequence) {
      same->contact = std::move(*contact);
      same->record = record;
    }
  } else if (wanted.ballot.add(std::move(*contact), record) == nullptr) {
    return host_.observer.rejected("record", error(ErrorCode::full, "too many claims of one user"), {});
  }
  if (votes) wanted.ballot.vote(*wanted.ballot.find(node), keeper);
}

// The node that is bound; without a BIND the claim that most keepers name, if a second one confirms it. What nobody
// confirms or as many contradict is asked for again, over other ways; what still stands alone then is taken.
const Contact* Locator::elected(const Wanted& wanted, const Known* before) const {
  const std::int64_t wall = unix_seconds(host_.clock.wall());
  const bool bound = before != nullptr && before->binding != nullptr;
  const auto admits = [&](const Contact& contact) {
    return contact.expires > wall && (before == nullptr || !forbids(before->binding, contact.node, wall));
  };
  const Ballot::Outcome outcome = wanted.ballot.count(directory_key(wanted.user), admits, bound);
  if (outcome.best == nullptr) return nullptr;
  const bool all = wanted.came >= wanted.asked || wanted.until <= host_.clock.mono();
  const bool further = wanted.widened || wanted.asked <= 1;  // nobody else is to be asked
  const bool agreed = outcome.votes >= 2 && outcome.next == 0;
  bool taken = agreed || further;  // of a bound node: a newer contact may be among what was not answered yet
  if (!bound) {
    const bool alone = wanted.asked <= kFew || wanted.tries >= kDoubts;
    taken = agreed || (further && outcome.votes > outcome.next && (outcome.votes >= 2 || alone));
  }
  return all && taken ? &outcome.best->contact : nullptr;
}

// A newer contact replaces the one that we know.
bool Locator::decide(Wanted& wanted) {
  Known* before = find(wanted.user);
  if (before != nullptr) before->checked_at = host_.clock.mono();
  const std::int64_t wall = unix_seconds(host_.clock.wall());
  const Contact* best = elected(wanted, before);
  if (best == nullptr) {
    if (wanted.ballot.size() > 0 || !wanted.widened) return false;
    // Nobody contradicts a claim that came with a message: then it is the first one.
    if (before == nullptr || !alive(*before)) return false;
    if (!before->checked) {
      // Silence says nothing.
      if (wanted.asked == 0 || wanted.came < std::min(kFew, wanted.asked)) return false;
      believe(*before);
    }
    return !forbidden(*before);
  }
  const Contact& contact = *best;
  if (before != nullptr && before->node == contact.node) {
    if (!before->checked && alive(*before)) {
      believe(*before);
      return !forbidden(*before);  // where it wrote from is news, compared with what it published
    }
    if (contact.sequence <= before->sequence) {
      if (alive(*before)) return true;
      // It had time to publish where it is now. It stands by what it said, and who said that it is lost may be wrong.
      if (wanted.tries < 2) return false;
    }
  }
  Known& known = remember(wanted.user);
  const bool moved = known.node != contact.node || known.sequence < contact.sequence;
  if (moved) known.lost_at = {};
  known.node = contact.node;
  known.listens = contact.listens;
  known.relays = contact.relays;
  known.at = contact.at;
  known.via = {};
  known.sequence = contact.sequence;
  known.expires = host_.clock.mono() + (contact.expires - wall) * 1s;
  known.dead = false;
  known.checked = true;
  known.checked_at = host_.clock.mono();
  save(known);
  ++version_;
  return !forbidden(known);
}

void Locator::believe(Known& known) {
  known.checked = true;
  save(known);
  ++version_;
}

// Who wrote to us can be answered the same way, whatever the directory knows - unless the user bound another node.
bool Locator::arrived(Arrival& arrival) {
  const PubKey& user = arrival.delivery.source;
  Known& known = remember(user);
  if (forbids(known.binding, arrival.node, unix_seconds(host_.clock.wall()))) {
    host_.observer.rejected("claim", error(ErrorCode::forbidden, "a node whom that user did not bind"),
                            arrival.delivery.link);
    return false;
  }
  const bool was_usable = usable(user, Channel::packets) != nullptr;
  arrival.delivery.from_server = known.checked && known.node == arrival.node;
  if (arrival.delivery.from_server) known.spoken_at = {};
  if (known.node != arrival.node) {
    if (known.node != NodeId{} && !known.dead) return true;  // it may say what it likes; our answers go elsewhere
    forget_contact(known);
    known.node = arrival.node;
    known.checked = known.binding != nullptr;
  }
  known.via = arrival.via;
  heard_of(known);
  known.expires = std::max(known.expires, host_.clock.mono() + config_.limits.contact_life / 2);
  // Who writes all the time is asked about again now and then: meanwhile there may be a BIND.
  const bool old = known.binding == nullptr && known.checked_at + config_.limits.contact_life <= host_.clock.mono();
  if (!known.checked || old || forbidden(known)) {
    check(user, arrival.delivery.link);
    return true;
  }
  std::erase_if(wanted_, [&](const Wanted& one) { return one.user == user; });
  if (!was_usable) ++version_;
  return true;
}

// --- what users sign

void Locator::bound(const BindingPtr& binding) {
  if (binding->bind.user == config_.owner) return bound_ourselves(binding);
  // Of others the store remembers it, and remember() looks there.
  if (Known* known = find(binding->bind.user)) adopt(*known, binding);
}

void Locator::adopt(Known& known, const BindingPtr& binding) {
  if (known.binding != nullptr && known.binding->bind.id == binding->bind.id) return;
  if (!replaces(binding, known.binding, evidence_)) return;
  known.binding = binding;
  known.checked = true;
  ++version_;
  if (binding->bind.node == known.node) return;
  forget_contact(known);
  known.node = {};
}

void Locator::forget_contact(Known& known) {
  known.listens = {};
  known.at = {};
  known.relays.clear();
  known.via = {};
  known.sequence = 0;
  known.expires = {};
  known.dead = false;
  known.lost_at = {};
}

void Locator::lost(const NodeId& node) {
  for (Known& one : known_) {
    if (one.node != node || one.dead) continue;
    one.dead = true;
    if (one.lost_at == MonoTime{}) one.lost_at = host_.clock.mono();
    ++one.turn;
    ++version_;
    const PubKey user = one.user;
    want(user);
    return;
  }
}

// A link to a node that we know is proof of its life, and a way to it that may not have been there before. Who is
// looked for and says to be at the end of this one is looked for again at once: what the directory says counts, not the
// claim.
void Locator::linked(const Peer& peer) {
  for (Known& one : known_) {
    if (one.node != peer.id) continue;
    heard_of(one);
    if (!one.checked) continue;  // a mere claim is still to be asked about
    std::erase_if(wanted_, [&](const Wanted& wanted) { return wanted.user == one.user; });
    ++version_;
  }
  const MonoTime now = host_.clock.mono();
  const bool alone = links_.ready().size() <= 1;  // until now: who was lost then may have been there all the time
  if (alone) {
    for (Known& one : known_) {
      if (one.lost_at != MonoTime{}) one.lost_at = now;
    }
  }
  for (Wanted& one : wanted_) {
    if (one.user == peer.owner) one.at = std::min(one.at, one.open ? one.until : now);
    if (alone) one.since = now;
    // As after a start: so far there was nobody to ask. A few links are better than one.
    if ((one.asked == 0 || alone) && peer.reachable()) one.at = std::min(one.at, now + kFirstLinks);
  }
}

std::optional<MonoTime> Locator::next_due() const noexcept {
  std::optional<MonoTime> first = publish_at_;
  if (repeat_at_ && (!first || *repeat_at_ < *first)) first = repeat_at_;
  for (const Wanted& one : wanted_) {
    const MonoTime at = one.open ? std::min(one.at, one.until) : one.at;
    if (!first || at < *first) first = at;
  }
  if (!tried_.empty() && (!first || tried_.front().until < *first)) first = tried_.front().until;
  return first;
}

void Locator::due(MonoTime now) {
  while (!tried_.empty() && tried_.front().until <= now) {
    const NodeId node = tried_.front().node;
    tried_.erase(tried_.begin());
    lost(node);
  }
  if (publish_at_ && *publish_at_ <= now) publish(now);
  if (repeat_at_ && *repeat_at_ <= now) publish_again(now);
  std::erase_if(wanted_, [&](const Wanted& one) { return one.at <= now && one.tries >= kGiveUp; });
  std::erase_if(wanted_, [&](Wanted& one) { return one.open && one.until <= now && settle(one); });
  for (Wanted& one : wanted_) {
    if (one.at <= now) ask(one, now);
  }
}

}  // namespace np2p::swarm
