#include "core/feed/multicast.h"

#include <algorithm>
#include <string>

#include "core/feed/history.h"
#include "core/feed/packets.h"
#include "core/feed/persist.h"
#include "core/feed/speaks_for.h"

namespace np2p {
namespace {

constexpr Duration kSettle = 1s;                      // after a change of the topology: more changes follow, look once
constexpr Duration kLeaseCheck = 10min;               // how often ended leases are looked for
constexpr Duration kPace = 100ms;                     // between two rounds of announcements
constexpr std::size_t kAnnounced = 100;               // in one round
constexpr Duration kBack = 2min;                      // after a start; by then who is there has pulled what it missed
constexpr std::uint32_t kPullCost = 4096;             // bytes, of a question for parts of a stream, whatever the answer
constexpr std::size_t kStrays = 16;                   // who are told at once that we do not follow, unasked
constexpr std::size_t kCopies = 4096;                 // whose receipts may still come
constexpr Duration kReceipts = 3min;                  // by then it is known who gave none
constexpr std::string_view kUnsettled = "unsettled";  // the stream until what may be without a receipt

Posting posting_of(const StreamPart& part, const Frame& payload) {
  return {part.head.incarnation, part.head.seq, Channel::stream, payload};
}

}  // namespace

Multicast::Multicast(const Config& config, Host& host, Overlay& overlay)
    : config_(config),
      host_(host),
      overlay_(overlay),
      pullers_(config.limits, config.limits.puller_bytes_per_second, config.limits.puller_bytes_burst),
      stream_(config, host, overlay),
      positions_(config, host, overlay,
                 [this](const MailStream& stream, std::uint64_t seq) { return guardians_.expects(stream, seq); }),
      followers_(config, host),
      follows_(config, host, overlay, positions_),
      guardians_(config, host, overlay, follows_, followers_, positions_),
      reactions_(config.limits),
      history_bytes_(config.limits.follower_bytes_per_second, config.limits.follower_bytes_burst),
      follow_answers_(config.limits) {}

void Multicast::load() {
  stream_.load(sent_before(config_, host_.store));
  positions_.load();
  followers_.load();
  for (const auto& [follower, state] : followers_.all()) overlay_.keep(follower, true);
  const std::string unsettled = host_.store.value(Table::node, kUnsettled);
  std::string_view value = unsettled;
  if (const auto after = take_u64(value)) followers_.all_missed(*after);
  host_.store.erase_value(Table::node, kUnsettled);
  guardians_.load();
  guardians_.settle();  // says whom FOLLOW names
  if (!followers_.behind().empty() && config_.overlay != OverlayKind::mesh) leave_at_ = host_.clock.mono() + kBack;
  is_loading_ = true;  // guardians know whom we follow
  follow_list_changed();
  is_loading_ = false;
  guardians_.settle();
}

void Multicast::follow_list_changed() {
  Filter own_list;
  own_list.authors = std::vector<PubKey>{config_.owner};
  own_list.kinds = std::vector<std::uint32_t>{kind::follow_list};
  own_list.limit = 1;
  const auto lists = host_.store.query(own_list, Order::newest_first);
  const Follows::Change change = follows_.set(lists.empty() ? EventPtr() : lists.front());
  for (const auto& user : change.added) set_standing(user);
  for (const auto& user : change.removed) {
    set_standing(user);
    positions_.forget(user);
  }
  const bool changed = !change.added.empty() || !change.removed.empty();
  if (changed && !is_loading_) guardians_.follows_changed();
  arm();
}

void Multicast::bound(const PubKey& user) {
  follows_.bound(user);
  arm();
}

// --- what we send

void Multicast::send(const EventPtr& event, const Route& route) {
  if (route.audience == Audience::nobody) return;
  if (route.stored) stream_.append(event->id);
  if (route.audience != Audience::followers) return;
  std::vector<PubKey> to;
  std::vector<PubKey> absent;
  for (const auto& [follower, state] : followers_.all()) {
    if (followers_.gets_copies(follower)) {
      to.push_back(follower);
    } else if (guardians_.wants_mail(follower, state)) {
      absent.push_back(follower);
    }
  }
  if (to.empty() && (absent.empty() || !route.stored)) return;
  const Frame packet = encode_events({&event, 1});
  if (!route.stored) {
    overlay_.copies(to, Channel::packets, packet, Priority::post, Assurance::once);
    return;
  }
  const StreamPart part{stream_.head(), 1, packet};
  send_part(part, to, event->id);
  if (!absent.empty()) guardians_.leave(posting_of(part, encode_stream_part(part)), absent);
}

bool Multicast::is_sending_to(const PubKey& user) const {
  return followers_.contains(user) && followers_.gets_copies(user);
}

void Multicast::send_part(const StreamPart& part, const std::vector<PubKey>& to, const std::optional<EventId>& event) {
  if (to.empty()) return;
  const Frame payload = encode_stream_part(part);
  const std::uint64_t after = part.head.seq - part.covers;
  const auto without = overlay_.copies(to, Channel::stream, payload, Priority::post);
  for (const PubKey& follower : without) followers_.missed(follower, after);
  guardians_.sent(posting_of(part, payload), without);
  if (!without.empty()) arm();
  if (without.size() == to.size() || config_.overlay == OverlayKind::mesh) return;  // the mesh has no receipts
  if (copies_.empty()) {
    std::string value;
    append_u64(value, after);
    host_.store.set_value(Table::node, kUnsettled, value);
  }
  if (copies_.size() >= kCopies) copies_.pop_front();
  copies_.push_back({copy_tag(payload), after, event, host_.clock.mono() + kReceipts});
  arm();
}

std::optional<EventId> Multicast::copied(const CopyOutcome& outcome) {
  guardians_.copied(outcome);
  const auto at =
      std::find_if(copies_.begin(), copies_.end(), [&](const Copies& one) { return one.tag == outcome.tag; });
  if (at == copies_.end()) return std::nullopt;
  const auto event = outcome.received ? at->event : std::nullopt;
  if (!outcome.received) {
    followers_.missed(outcome.user, at->after);
    look_for_guardians();
    arm();
  }
  return event;
}

void Multicast::hand_on(const EventPtr& event) {
  if (followers_.all().empty()) return;
  if (!reactions_.add(event, host_.clock.mono(), followers_.all().size())) {
    host_.observer.rejected("reaction", error(ErrorCode::rate_limited, "too many reactions for the followers"), {});
  }
  arm();
}

void Multicast::send_reactions() {
  const std::vector<EventPtr> batch = reactions_.take(host_.clock.mono(), host_.store);
  if (batch.empty()) return;
  const std::uint64_t after = stream_.last();
  for (const EventPtr& event : batch) stream_.append(event->id);
  std::vector<PubKey> to;
  std::vector<PubKey> absent;
  for (const auto& [follower, state] : followers_.all()) {
    if (followers_.gets_copies(follower)) {
      to.push_back(follower);
    } else if (guardians_.wants_mail(follower, state)) {
      absent.push_back(follower);
    }
  }
  for (const StreamPart& part : parts(after, stream_.last())) {
    send_part(part, to, std::nullopt);
    if (!absent.empty()) guardians_.leave(posting_of(part, encode_stream_part(part)), absent);
  }
}

std::vector<StreamPart> Multicast::parts(std::uint64_t after, std::uint64_t until) {
  std::vector<StreamPart> found;
  std::vector<EventPtr> events;
  std::size_t bytes = 0;
  std::size_t all = 0;
  std::uint64_t begin = after;  // of the part under way
  const auto cut = [&](std::uint64_t seq) {
    if (seq == begin) return;
    if (const auto head = stream_.head_at(seq)) {
      found.push_back({*head, seq - begin, events.empty() ? Frame() : encode_events(events)});
    }
    events.clear();
    bytes = 0;
    begin = seq;
  };
  until = std::min(until, stream_.last());
  std::uint64_t seq = std::max(after, stream_.first() - 1);
  begin = seq;
  while (seq < until) {
    const auto id = stream_.event_at(seq + 1);
    const EventPtr event = id ? host_.store.get(*id) : EventPtr();
    const std::size_t size = event ? bytes_at_most(*event) : 0;
    if (all + size > config_.limits.pulled_bytes && all > 0) break;
    if (!events.empty() &&
        (bytes + size > config_.limits.frame_bytes / 2 || events.size() >= config_.limits.packet_events)) {
      cut(seq);
    }
    if (event) events.push_back(event);
    bytes += size;
    all += size;
    ++seq;
  }
  cut(seq);
  return found;
}

StreamNews Multicast::news_after(std::uint64_t after) {
  StreamNews news;
  news.head = stream_.head();
  news.guardians = guardians_.named();
  news.after = std::max(after, stream_.first() - 1);
  for (std::uint64_t seq = news.after + 1; seq <= stream_.last() && news.ids.size() < kMostNews; ++seq) {
    const auto id = stream_.event_at(seq);
    if (!id) break;
    news.ids.push_back(*id);
  }
  return news;
}

void Multicast::announce() {
  for (const PubKey& follower : followers_.due(host_.clock.mono(), kAnnounced)) {
    const Announce message{news_after(std::min(followers_.behind().at(follower).after, stream_.last()))};
    overlay_.unicast(follower, Channel::extension, encode_extension(message), Priority::control);
  }
}

// A stop in the middle of leaving mail forgets it. Whoever is still behind did not answer what we announced. Guardians
// that have it already keep it once.
void Multicast::leave_what_was_missed() {
  leave_at_.reset();
  std::map<std::uint64_t, std::vector<PubKey>> absent;  // by what they have for sure
  for (const auto& [follower, behind] : followers_.behind()) {
    if (!followers_.all().at(follower).guardians.empty()) {
      absent[behind.after].push_back(follower);
    } else if (followers_.may_seek_guardians(follower)) {
      overlay_.find_guardians(follower);
    }
  }
  for (const auto& [after, followers] : absent) {
    for (const StreamPart& part : parts(after, stream_.last())) {
      guardians_.leave(posting_of(part, encode_stream_part(part)), followers);
    }
  }
}

// --- what others say

// Who takes our user's posts, or gives them up, must be the node that serves the follower; else anybody could bury or
// cut off others. While the overlay does not know yet it refuses, and finds out; FOLLOW and UNFOLLOW come again.
bool Multicast::may_speak(std::string_view what, const PubKey& user, const Delivery& delivery) {
  if (speaks_for(delivery, user, config_.overlay) && delivery.from_server && user != config_.owner) return true;
  host_.observer.rejected(what, error(ErrorCode::forbidden, "not from the server of whom it speaks for"),
                          delivery.link);
  return false;
}

void Multicast::follow(const Follow& message, const Delivery& delivery) {
  if (!may_speak("follow", message.follower, delivery)) return;
  // No answer makes the follower look for where our user's server is now.
  const Identity::State state = overlay_.identity().state;
  if (state == Identity::State::elsewhere || state == Identity::State::revoked) {
    host_.observer.rejected("follow", error(ErrorCode::forbidden, "our user is served elsewhere"), delivery.link);
    return;
  }
  if (unanswered_count_ >= config_.limits.unacknowledged) {  // it will come again
    host_.observer.rejected("follow", error(ErrorCode::full, "too much waits for the disk"), delivery.link);
    return;
  }
  const bool known = followers_.contains(message.follower);
  const auto from = !known                                                ? FollowAnswers::From::newcomer
                    : followers_.has_said(message.follower, message.said) ? FollowAnswers::From::recording
                                                                          : FollowAnswers::From::follower;
  if (const char* why = follow_answers_.refusal(message.follower, from, host_.clock.mono())) {
    host_.observer.rejected("follow", error(ErrorCode::rate_limited, why), delivery.link);
    return;
  }
  if (!followers_.add(message.follower, message.guardians, message.said)) {
    host_.observer.rejected("follow", error(ErrorCode::full, "no room for another follower"), delivery.link);
    return;
  }
  if (!known) set_standing(message.follower);
  followers_.knows(message.follower);  // the answer says what it lacks
  guardians_.heard_from(message.follower);
  arm();  // the lease will end
  auto& waiting = unanswered_[host_.store.flush()];
  unanswered_count_ += waiting.insert_or_assign(message.follower, Asked{message.position, from}).second ? 1 : 0;
  durable(host_.store.durable());
}

void Multicast::unfollow(const Unfollow& message, const Delivery& delivery) {
  if (!may_speak("unfollow", message.follower, delivery)) return;
  // After a restart the overlay cannot tell a recorded message from a new one.
  if (followers_.has_said(message.follower, message.said)) {
    host_.observer.rejected("unfollow", error(ErrorCode::forbidden, "older than the last FOLLOW"), delivery.link);
    return;
  }
  if (!followers_.remove(message.follower)) return;
  guardians_.forget(message.follower);
  set_standing(message.follower);
}

void Multicast::durable(Ticket ticket) {
  guardians_.durable(ticket);
  while (!unanswered_.empty() && unanswered_.begin()->first <= ticket) {
    for (const auto& [follower, asked] : unanswered_.begin()->second) answer(follower, asked);
    unanswered_count_ -= unanswered_.begin()->second.size();
    unanswered_.erase(unanswered_.begin());
  }
}

void Multicast::answer(const PubKey& follower, const Asked& asked) {
  const std::uint64_t recent =
      stream_.last() - std::min<std::uint64_t>(stream_.last(), config_.limits.follower_history);
  Followed message{config_.owner, news_after(asked.position ? stream_.after(*asked.position) : recent)};
  StreamNews& news = *message.news;
  std::vector<EventPtr> beside;
  if (!asked.position) beside = profile_beside(news);
  const std::size_t more = news.ids.size() * (EventId::size + 2) + bytes_at_most(beside);
  if (!follow_answers_.may_get_more(follower, asked.from, static_cast<std::uint32_t>(more), host_.clock.mono())) {
    news.ids.clear();  // the numbers are enough to pull
    beside.clear();
  }
  overlay_.unicast(follower, Channel::extension, encode_extension(message), Priority::control);
  for (const EventPtr& event : beside) {
    overlay_.unicast(follower, Channel::packets, encode_events({&event, 1}), Priority::bulk);
  }
}

// The profile, unless it is among the news.
std::vector<EventPtr> Multicast::profile_beside(const StreamNews& news) {
  std::vector<EventPtr> beside = profile_of(config_, host_.store);
  std::erase_if(beside, [&](const EventPtr& profile) {
    return std::find(news.ids.begin(), news.ids.end(), profile->id) != news.ids.end();
  });
  return beside;
}

void Multicast::followed(const Followed& message, const Delivery& delivery) {
  if (!may_speak("followed", message.followee, delivery)) return;
  const bool wanted = follows_.contains(message.followee);
  if (wanted && message.news && message.news->head.author == message.followee) {
    positions_.news(*message.news, false);
    positions_.ask_witness(message.followee, guardians_.named());
  }
  follows_.registered(message.followee);
  follows_.leave(message.followee);
  arm();
}

void Multicast::announced(const Announce& message, const Delivery& delivery) {
  const PubKey& author = message.news.head.author;
  if (!may_speak("announce", author, delivery)) return;
  if (!follows_.contains(author)) return follows_.leave(author);
  positions_.news(message.news, true);
  arm();
}

void Multicast::pulled(const Pull& message, const Delivery& delivery) {
  if (!may_speak("pull", message.puller, delivery)) return;
  const MonoTime now = host_.clock.mono();
  if (!pullers_.may_get(message.puller, kPullCost, now)) {  // before anything is read or signed for it
    host_.observer.rejected("pull", error(ErrorCode::rate_limited, "more than a share of questions"), delivery.link);
    return;
  }
  const bool ours = message.author == config_.owner;
  if (ours) {
    if (message.ids_only || message.until >= stream_.last()) {
      followers_.knows(message.puller);
    } else {  // what was posted since it was told nobody has sent it
      followers_.knows_until(message.puller, message.after);
      arm();
    }
    guardians_.heard_from(message.puller);
  }
  if (ours && message.ids_only) {
    const Announce answer{news_after(stream_.after({message.incarnation, message.after}))};
    overlay_.unicast(message.puller, Channel::extension, encode_extension(answer), Priority::control);
    return;
  }
  if (message.until == message.after) return;
  for (const StreamPart& part : ours ? parts(message.after, message.until) : positions_.answer(message)) {
    const auto bytes = static_cast<std::uint32_t>(part.packet.size());
    if (!pullers_.may_get(message.puller, bytes, now) || !history_bytes_.take(now, bytes)) {
      host_.observer.rejected("pull", error(ErrorCode::rate_limited, "more than a share of bytes"), delivery.link);
      return;  // the rest is pulled again
    }
    if (!overlay_.unicast(message.puller, Channel::stream, encode_stream_part(part), Priority::bulk)) return;
  }
}

void Multicast::arrived(const StreamPart& part, std::span<const EventId> events, const Delivery& delivery) {
  if (!follows_.contains(
          part.head.author)) {  // its server thinks that we follow; or somebody wants us to write to many
    if (follows_.has_list() && follows_.leaving() < kStrays) follows_.leave(part.head.author);
    return;
  }
  positions_.arrived(part, events, delivery);
  arm();
}

// --- time

void Multicast::topology_changed() {
  if (guardians_.topology_changed()) follows_.returned();
  wake(host_.clock.mono() + kSettle);
}

void Multicast::timer() {
  woken_at_.reset();
  follows_.topology_changed();
  positions_.topology_changed();
  followers_.topology_changed(overlay_);
  follows_.timer();
  positions_.timer();
  const bool has_moved = overlay_.identity().state == Identity::State::elsewhere;
  for (const PubKey& user : followers_.expire(has_moved)) {
    guardians_.forget(user);
    set_standing(user);
  }
  guardians_.confirm(followers_.take_unconfirmed());
  send_reactions();
  announce();
  if (leave_at_ && *leave_at_ <= host_.clock.mono()) leave_what_was_missed();
  settle();
  look_for_guardians();
  arm();
}

// A follower may have others by now, or have found some since it said that it has none.
void Multicast::look_for_guardians() {
  for (const PubKey& follower : guardians_.take_lost()) {
    if (followers_.may_seek_guardians(follower)) overlay_.find_guardians(follower);
  }
}

void Multicast::found(const GuardiansOf& guardians) {
  if (!followers_.set_guardians(guardians.user, guardians.guardians)) return;
  const auto behind = followers_.behind().find(guardians.user);
  if (behind == followers_.behind().end()) return;
  for (const StreamPart& part : parts(behind->second.after, stream_.last())) {
    guardians_.leave(posting_of(part, encode_stream_part(part)), {guardians.user});
  }
  arm();
}

// Guardians say that they are there: what they were not sent is announced to them, if they can be found.
void Multicast::look_for_who_is_back() {
  for (const PubKey& follower : guardians_.take_seen()) {
    if (followers_.shows_up(follower)) overlay_.look_for(follower);
  }
}

void Multicast::guardians_timer() {
  guardians_.timer();
  look_for_guardians();
  arm();
}

// Nobody is waited for any more: after a crash nobody needs to be told.
void Multicast::settle() {
  if (copies_.empty()) return;
  while (!copies_.empty() && copies_.front().until <= host_.clock.mono()) copies_.pop_front();
  if (copies_.empty()) host_.store.erase_value(Table::node, kUnsettled);
}

void Multicast::set_standing(const PubKey& user) {
  const Standing standing = config_.is_own(user)        ? Standing::owner
                            : follows_.contains(user)   ? Standing::followed
                            : followers_.contains(user) ? Standing::follower
                                                        : Standing::stranger;
  host_.store.set_standing(user, standing);
  overlay_.keep(user, user != config_.owner && (follows_.contains(user) || followers_.contains(user)));
}

// The timer rings no later than that: news that comes all the time must not put it off for ever.
void Multicast::wake(MonoTime at) {
  if (woken_at_ && *woken_at_ <= at) return;
  woken_at_ = at;
  host_.timers.arm(Timer::follow, at);
}

void Multicast::arm() {
  MonoTime due = follows_.next_due();
  if (due == Follows::kNever && followers_.all().empty()) return;
  const MonoTime now = host_.clock.mono();
  due = std::min(due, now + kLeaseCheck);
  if (const auto pull = positions_.next_due()) due = std::min(due, *pull);
  if (const auto told = followers_.next_due()) due = std::min(due, std::max(*told, now + kPace));
  if (reactions_.due()) due = std::min(due, *reactions_.due());
  if (!copies_.empty()) due = std::min(due, copies_.front().until);
  if (leave_at_) due = std::min(due, *leave_at_);
  wake(due);
}

}  // namespace np2p
