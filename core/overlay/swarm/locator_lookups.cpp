// Lookups: who is looked for, in which turn, and what becomes of the answers.
#include <algorithm>
#include <map>

#include "core/base/vectors.h"
#include "core/overlay/swarm/coordinates.h"
#include "core/overlay/swarm/locator.h"

namespace np2p::swarm {
namespace {

constexpr Duration kFirstRetry = 10s;  // of a lookup that found nothing; then as long as the user is away, up to
constexpr Duration kLongestRetry = 1h;
constexpr Duration kClaimRetry = 1min;  // likewise, of whether a claim holds
constexpr Duration kLinkRetry = 2s;     // likewise, if who says to be that user's server is linked with us:
constexpr unsigned kLinkRetries = 5;    // it may have nobody yet to whom to tell its contact
constexpr Duration kAgain = 1min;       // between two lookups because of signs that a user is back
constexpr Duration kDoubt = 10s;        // likewise, because its contact does not hold
constexpr Duration kAnswers = 3s;       // for the first answer
constexpr Duration kOthers = 2s;        // for the other answers, once one is there
constexpr std::size_t kFew = 3;         // answers: more are not to be had in a small network
constexpr std::size_t kClaimed = 4;     // a part of the lookups: those that claims of others cause
constexpr std::size_t kOfOneNode = 16;  // a part of these: of users that one node claims; each costs a dozen questions
constexpr std::size_t kFewClaims = 4;   // but so many at least
// Likewise, in sixteenths: those of whom others name (seek()). Together with claims these leave room for the line.
constexpr std::size_t kNamed = 3;
constexpr std::size_t kLine = 2;      // likewise: those of the line
constexpr unsigned kDoubts = 4;       // tries after which a claim is taken that one keeper makes alone
constexpr unsigned kGiveUp = 60;      // tries, two days; whoever still wants the user asks anew
constexpr std::uint8_t kTurns = 3;    // in the line, then
constexpr Duration kRestOfLine = 1h;  // before the next

// The age of a search, so that who comes back is found after about as long as it was away.
Duration pause_since(MonoTime since, MonoTime now) noexcept {
  return std::min<Duration>(now - since + kFirstRetry, kLongestRetry);
}

}  // namespace

Locator::Wanted* Locator::find_wanted(const PubKey& user) noexcept {
  const auto at = std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.user == user; });
  return at == wanted_.end() ? nullptr : &*at;
}

void Locator::want(const PubKey& user) {
  Known* known = contacts_.find(user);
  if (known != nullptr && known->in_line) return;
  if (Wanted* wanted = find_wanted(user)) {
    wanted->claimed = wanted->named = false;  // now it is wanted by ourselves
    return;
  }
  const bool kept = known != nullptr && known->kept;
  if (kept && wanted_.size() * kLine >= config_.limits.lookups_open) return line_up(*known);
  if (!has_room()) {  // who was only named by others gives way
    const auto named = std::find_if(wanted_.begin(), wanted_.end(), [](const Wanted& one) { return one.named; });
    if (named == wanted_.end()) return;
    wanted_.erase(named);
  }
  begin_search(user);
}

// The part of claims stays theirs: else an owner who follows thousands of people who are nowhere to be found would
// never find out who asks him something.
bool Locator::has_room() const noexcept {
  const auto claims = std::count_if(wanted_.begin(), wanted_.end(), [](const Wanted& one) { return one.claimed; });
  const std::size_t others = wanted_.size() - static_cast<std::size_t>(claims);
  return others * kClaimed < config_.limits.lookups_open * (kClaimed - 1);
}

void Locator::seek(const PubKey& user) {
  const Known* known = contacts_.find(user);
  if (known != nullptr && known->kept) return want(user);
  if (find_wanted(user) != nullptr || !has_room() || !make_room_for_named()) return;
  begin_search(user);
  wanted_.back().named = true;
}

void Locator::look_for(const PubKey& user) {
  if (reaches(user)) return;
  const MonoTime now = host_.clock.mono();
  const Known* known = contacts_.find(user);
  if (known != nullptr && known->checked_at != MonoTime{} && now < known->checked_at + kAgain) return;
  want(user);
  Wanted* wanted = find_wanted(user);
  if (wanted != nullptr && !wanted->open && wanted->at > now) ask(*wanted, now);
}

void Locator::doubt(const PubKey& user) {
  Known* known = contacts_.find(user);
  if (known == nullptr || !fit_for_copy(*known) || known->in_line || find_wanted(user) != nullptr) return;
  const MonoTime now = host_.clock.mono();
  if (known->checked_at != MonoTime{} && now < known->checked_at + kDoubt) return;
  if (wanted_.size() * kLine >= config_.limits.lookups_open) return;
  begin_search(user);
  wanted_.back().doubted = true;
}

std::optional<Receiver> Locator::next_found() {
  if (found_.empty()) return std::nullopt;
  Receiver found = std::move(found_.back());
  found_.pop_back();
  if (found_.empty()) clear_out(found_);
  return found;
}

void Locator::want_no_more(const PubKey& user) {
  std::erase_if(wanted_, [&](const Wanted& one) { return one.user == user; });
  if (Known* known = contacts_.find(user)) contacts_.leave_line(*known);
}

// Because of what somebody says who may have made up the user: on a budget, and in a part of the room.
void Locator::check(const PubKey& user, const Arrival& arrival) {
  Known* known = contacts_.find(user);
  if ((known != nullptr && known->in_line) || find_wanted(user) != nullptr) return;
  // A node serves one user. Only a BIND says otherwise, or that the first one is not heard of any more.
  bool serves_another = false;
  contacts_.each_at(arrival.node, [&](const Known& one) {
    serves_another = serves_another || (one.checked && alive(one) && PubKey(one.user) != user);
  });
  if (serves_another && (known == nullptr || (known->binding == nullptr && !known->kept))) {
    const Error why = error(ErrorCode::forbidden, "its node serves somebody else");
    return host_.observer.rejected("claim", why, arrival.delivery.link);
  }
  if (!make_room_for_claim(arrival.node) || wanted_.size() >= config_.limits.lookups_open ||
      !checks_.take(host_.clock.mono())) {
    if (known != nullptr && known->kept) return line_up(*known);
    return host_.observer.rejected("claim", error(ErrorCode::full, "too many to be checked"), arrival.delivery.link);
  }
  begin_search(user);
  wanted_.back().claimed = true;
  wanted_.back().claimant = arrival.node;
}

// A node serves one user. The one that claims most, or one whose claim was asked about already and is not confirmed,
// makes room for who claims less: else somebody who invents users would keep all newcomers away.
bool Locator::make_room_for_claim(const NodeId& claimant) {
  std::map<NodeId, std::size_t> claims;
  std::size_t sum = 0;
  for (const Wanted& one : wanted_) {
    if (!one.claimed) continue;
    ++claims[one.claimant];
    ++sum;
  }
  const auto own = claims.find(claimant);
  const std::size_t mine = own == claims.end() ? 0 : own->second;
  if (mine >= std::max(kFewClaims, config_.limits.lookups_open / kClaimed / kOfOneNode)) return false;
  if (sum * kClaimed < config_.limits.lookups_open) return true;
  const auto most =
      std::max_element(claims.begin(), claims.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto victim = std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) {
    if (!one.claimed) return false;
    return most->second > mine + 1 ? one.claimant == most->first : mine == 0 && !one.open && one.asked > 0;
  });
  if (victim == wanted_.end()) return false;
  wanted_.erase(victim);
  return true;
}

// The one who is not found for longest goes: whoever still wants it asks anew.
bool Locator::make_room_for_named() {
  std::size_t named = 0;
  auto oldest = wanted_.end();
  for (auto one = wanted_.begin(); one != wanted_.end(); ++one) {
    if (!one->named) continue;
    ++named;
    if (!one->open && one->asked > 0 && (oldest == wanted_.end() || one->since < oldest->since)) oldest = one;
  }
  if (named * 16 < config_.limits.lookups_open * kNamed) return true;
  if (oldest == wanted_.end()) return false;
  wanted_.erase(oldest);
  return true;
}

void Locator::begin_search(const PubKey& user) {
  const MonoTime now = host_.clock.mono();
  Wanted& fresh = wanted_.emplace_back();
  fresh.user = user;
  fresh.since = fresh.at = now;
  // Lost again where it was found: the search goes on that ended there.
  if (const Known* lost = contacts_.find(user); lost != nullptr && lost->lost_at != MonoTime{} && lost->lost_at < now) {
    fresh.since = lost->lost_at;
    fresh.at = lost->checked_at + pause_since(fresh.since, now);
    fresh.tries = 1;
  }
  if (fresh.at <= now) ask(fresh, now);
}

// --- those whom the floor above keeps, when there are too many to be looked for at once

void Locator::line_up(Known& known) {
  const MonoTime now = host_.clock.mono();
  if (known.tries >= kTurns) {
    if (known.checked_at + kRestOfLine > now) return;
    known.tries = kTurns - 1;
  }
  contacts_.stand_in_line(known);
  if (!line_at_) line_at_ = now + turns_.wait(now);
}

// Who is not found and would be tried again at leisure goes to the end of the line, for as many turns as it has left.
void Locator::make_way(MonoTime now) {
  if (contacts_.first_in_line() == nullptr) return;
  std::vector<PubKey> again;
  std::erase_if(wanted_, [&](const Wanted& one) {
    const bool asked = one.asked != 0 || one.tries != 0;
    if (one.open || !asked || one.at <= now) return false;
    Known* known = contacts_.find(one.user);
    if (known == nullptr || !known->kept) return false;
    if (++known->tries < kTurns) again.push_back(one.user);
    return true;
  });
  for (const PubKey& user : again) contacts_.stand_in_line(*contacts_.find(user));
}

void Locator::serve_line(MonoTime now) {
  line_at_.reset();
  while (Known* first = contacts_.first_in_line()) {
    // Each of these is settled some time, and then this is called again.
    if (wanted_.size() * kLine >= config_.limits.lookups_open) return;
    if (!turns_.take(now)) {
      line_at_ = now + turns_.wait(now);
      return;
    }
    contacts_.leave_line(*first);
    if (find_wanted(first->user) == nullptr) begin_search(PubKey(first->user));
  }
}

void Locator::look_again(MonoTime now) {
  std::erase_if(wanted_, [&](const Wanted& one) { return one.at <= now && one.tries >= kGiveUp; });
  std::erase_if(wanted_, [&](Wanted& one) { return one.open && one.until <= now && settle(one); });
  make_way(now);
  for (Wanted& one : wanted_) {
    if (one.at <= now) ask(one, now);
  }
  serve_line(now);
}

void Locator::ask(Wanted& wanted, MonoTime now) {
  wanted.query = rng_.next();
  Known* known = contacts_.find(wanted.user);
  Duration pause = pause_since(wanted.since, now);
  if (known != nullptr && alive(*known)) pause = std::min(pause, kClaimRetry);  // it is there, and waits
  if (wanted.tries < kLinkRetries && pause > kLinkRetry) {
    const auto& ready = links_.ready();
    const bool linked =
        std::any_of(ready.begin(), ready.end(), [&](const Peer& one) { return one.owner == wanted.user; });
    if (linked) pause = kLinkRetry;
  }
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
  if (wanted->came < wanted->asked || !settle(*wanted)) return;
  wanted_.erase(wanted);
  if (contacts_.first_in_line() != nullptr && !line_at_) line_at_ = host_.clock.mono();
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
  take_at_once(wanted, wanted.ballot.find(node)->contact);
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
      // Where it wrote from is news, compared with what it published, and comes first.
      take_places(*before, contact);
      before->expires = std::max(before->expires, host_.clock.mono() + (contact.expires - wall) * 1s);
      believe(*before);
      return !forbidden(*before);
    }
    if (contact.sequence <= before->sequence) {
      if (alive(*before)) return true;
      // It had time to publish where it is now. It stands by what it said, and who said that it is lost may be wrong.
      if (wanted.tries < 2) return false;
    }
  }
  Known& known = remember(wanted.user);
  take(known, contact);
  return !forbidden(known);
}

void Locator::take(Known& known, const Contact& contact) {
  const MonoTime now = host_.clock.mono();
  if (known.node != contact.node || known.sequence < contact.sequence) known.lost_at = {};
  contacts_.set_node(known, contact.node);
  take_places(known, contact);
  known.via = {};
  known.expires = now + (contact.expires - unix_seconds(host_.clock.wall())) * 1s;
  known.dead = false;
  known.tries = 0;
  contacts_.set_checked(known, true);
  contacts_.set_moved(known);
  known.checked_at = now;
  save(known);
  ++version_;
}

// What the node itself signed, which we know to serve that user, needs no second answer. The look-up goes on: an even
// newer contact may be among the others.
void Locator::take_at_once(Wanted& wanted, const Contact& contact) {
  Known* known = wanted.doubted ? contacts_.find(wanted.user) : nullptr;
  if (known == nullptr || known->node != contact.node || contact.sequence <= known->sequence) return;
  if (!known->checked || forbidden(*known)) return;
  take(*known, contact);
  found_.push_back(receiver_of(*known));
}

void Locator::take_places(Known& known, const Contact& contact) {
  known.listens = contact.listens;
  known.relay_count = static_cast<std::uint8_t>(std::min(contact.relays.size(), known.relays.size()));
  known.at = contact.at;
  for (std::size_t i = 0; i < known.relay_count; ++i) {
    known.relays[i] = contact.relays[i].id;
    if (is_vague(known.at)) known.at = contact.relays[i].at;
  }
  known.sequence = contact.sequence;
}

}  // namespace np2p::swarm
