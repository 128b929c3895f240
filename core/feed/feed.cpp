#include "core/feed/feed.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "core/base/vectors.h"
#include "core/event/expiry.h"
#include "core/event/validation.h"
#include "core/feed/bans.h"
#include "core/feed/deletions.h"
#include "core/feed/inbox.h"
#include "core/feed/speaks_for.h"
#include "core/wire/extension.h"
#include "core/wire/packet.h"

namespace np2p {
namespace {

constexpr std::size_t kLookedAt = 128;
constexpr std::string_view kBound = "bound";  // in Table::node: a BIND was published from this disk

// The end of an id, because some authors make its beginning zero on purpose (NIP-13).
std::uint64_t mark_of(const EventId& id) noexcept {
  std::uint64_t mark = 0;
  for (std::size_t i = EventId::size - 8; i < EventId::size; ++i) mark = mark << 8 | id.data[i];
  return mark;
}

bool has_time(std::int64_t created_at) noexcept {
  return created_at >= 0 && created_at < static_cast<std::int64_t>(UINT32_MAX);
}

Past past_of(const Event& event) noexcept {
  return {static_cast<std::uint32_t>(event.created_at), mark_of(event.id)};
}

}  // namespace

Feed::Feed(const Config& config, Host& host, Overlay& overlay)
    : config_(config),
      host_(host),
      overlay_(overlay),
      judge_(config, host),
      askers_(config.limits, config.limits.asker_answer_bytes_per_second, config.limits.asker_answer_bytes_burst),
      lookup_(config, host, overlay, judge_, askers_),
      own_events_(config, host, overlay, lookup_),
      outbox_(config, host, overlay),
      multicast_(config, host, overlay),
      mode_(config, host),
      recent_(config.limits.recent_ids) {}

void Feed::start() {
  const std::vector<PubKey> former_writers = mark_own_keys(config_, host_.store);
  mode_.load();
  multicast_.load();
  for (const PubKey& user : former_writers) multicast_.set_standing(user);
  outbox_.load();
  load_history();
  if (!host_.store.value(Table::node, kBound).empty()) own_events_.bound();
}

// What the store holds of it and can have come to everybody only: not from whom our user follows, whose posts may come
// to followers alone, nor what was sent to our user.
void Feed::load_history() {
  if (config_.overlay == OverlayKind::mesh) return;
  Filter recent;
  recent.kinds = std::vector<std::uint32_t>{kind::profile, kind::post, kind::repost, kind::deletion, kind::bind};
  recent.since = unix_seconds(host_.clock.wall() - config_.limits.history_age);
  recent.limit = config_.limits.history_events;
  for (const EventPtr& event : host_.store.query(recent, Order::newest_first)) {
    const bool ours = event->pubkey == config_.owner;
    const bool may_be_for_few = !ours && (host_.store.standing(event->pubkey) >= Standing::followed ||
                                          waits_for_us(event.get(), config_.owner, host_.store));
    if (has_time(event->created_at) && !may_be_for_few &&
        was_for_everybody(event.get(), config_, mode_.current(), host_.store)) {
      overlay_.remember(past_of(event.get()));
    }
  }
}

// Of more events with one time than are looked at, which somebody has made then, those with high ids are not found.
Frame Feed::recall(const Past& past) {
  Filter then;
  then.since = then.until = past.at;
  then.limit = kLookedAt;
  for (const EventPtr& event : host_.store.query(then, Order::newest_first)) {
    if (mark_of(event->id) == past.mark) return encode_events({&event, 1});
  }
  return {};
}

// Also what we could not keep: those who compare what they know with us need not send it again.
void Feed::heard(const Delivery& delivery, const Event& event) {
  if (delivery.cast != Delivery::Cast::broadcast || kind::class_of(event.kind) == kind::Class::ephemeral) return;
  if (has_time(event.created_at)) overlay_.remember(past_of(event));
}

void Feed::published(const EventPtr& event) {
  recent_.insert(half_of(event->id));
  host_.observer.event_accepted(event->id, {});
  tell(event);
  Route route = route_of(*event, config_, mode_.current(), host_.store);
  if (event->kind == kind::bind) {
    overlay_.bind(event);
    if (is_first_bind()) {
      route.audience = Audience::everybody;
      own_events_.bound();
    }
  }
  own_events_.have(*event);
  if (event->kind == kind::follow_list) own_list_changed();
  if (event->kind == kind::deletion) obey(event);
  if (is_to_us(*event)) multicast_.hand_on(event);
  if (route.audience == Audience::everybody) {
    if (has_time(event->created_at)) overlay_.remember(past_of(event.get()));
    overlay_.broadcast(Channel::packets, encode_events({&event, 1}), Priority::post);
  }
  multicast_.send(event, route);
  const bool copied = route.audience == Audience::followers && route.stored;
  for (const PubKey& user : route.named) outbox_.add(user, event, copied && multicast_.is_sending_to(user));
}

// The first one from this disk, which may have taken the place of one that was lost. Then those who follow are not
// known here, so everybody is told, once; who follows says so again (follows.h).
bool Feed::is_first_bind() {
  if (!host_.store.value(Table::node, kBound).empty()) return false;
  host_.store.set_value(Table::node, kBound, "1");
  return true;
}

void Feed::own_list_changed() {
  multicast_.follow_list_changed();
  own_events_.leave_with(multicast_.guardians().named());
}

void Feed::found(const GuardiansOf& guardians) {
  if (guardians.user == config_.owner) own_events_.met(guardians.guardians);
  multicast_.found(guardians);
}

void Feed::delivered(const EventPtr& event) {
  recent_.insert(half_of(event->id));
  host_.observer.event_accepted(event->id, {});
  tell(event);
  if (event->kind == kind::deletion) obey(event);
  if (is_to_us(*event)) multicast_.hand_on(event);
}

void Feed::listen(bool listening) {
  listening_ = listening;
  if (!listening) news_.clear();
}

void Feed::copied(const CopyOutcome& outcome) {
  const auto event = multicast_.copied(outcome);
  if (event) outbox_.acknowledged(outcome.user, *event);
}

void Feed::obey(const EventPtr& deletion) {
  bool follows_changed = false;
  bool of_a_reaction = false;
  for (const EventPtr& event : deleted_by(*deletion, host_.store)) {
    follows_changed = follows_changed || (event->kind == kind::follow_list && event->pubkey == config_.owner);
    of_a_reaction = of_a_reaction || is_to_us(*event);
    host_.store.erase(event->id);
  }
  if (of_a_reaction) multicast_.hand_on(deletion);
  if (follows_changed) multicast_.follow_list_changed();
}

bool Feed::is_to_us(const Event& reaction) {
  const EventPtr target = target_of(reaction, host_.store);
  return target && target->pubkey == config_.owner;
}

std::optional<Frame> Feed::receive(const Delivery& delivery) {
  switch (delivery.channel) {
    case Channel::packets:
      return receive_packet(delivery).onward;
    case Channel::stream:
      receive_stream(delivery);
      return std::nullopt;
    case Channel::extension:
      receive_extension(delivery);
      return std::nullopt;
  }
  return std::nullopt;
}

Feed::Received Feed::receive_packet(const Delivery& delivery) {
  Received received;
  if (!delivery.asked && !judge_.may_bring_event(delivery.link)) {
    reject("packet", error(ErrorCode::rate_limited, "too many packets over this link"), delivery);
    received.limited = true;
    return received;
  }
  auto packet = decode_packet(delivery.payload.view(), config_.limits);
  if (!packet) {
    reject("packet", packet.error(), delivery);
    blame(delivery);
    return received;
  }
  std::vector<EventPtr> fresh;
  std::vector<EventPtr> good;  // what a sender may be told that we have
  std::size_t bad = 0;
  bool paid = true;  // the packet's own token is its first event's
  for (Event& event : packet->events) {
    received.events.push_back(event.id);
    if (!std::exchange(paid, delivery.asked) && !judge_.may_bring_event(delivery.link)) {
      reject("event", error(ErrorCode::rate_limited, "too many events over this link"), delivery);
      ++bad;
      received.limited = true;
      continue;
    }
    EventPtr accepted;
    const Arrival arrival = accept(std::move(event), delivery, accepted);
    if (arrival == Arrival::bad || arrival == Arrival::later) ++bad;
    if (arrival == Arrival::later) received.limited = true;
    if (arrival == Arrival::fresh) fresh.push_back(accepted);
    if (arrival != Arrival::bad && accepted) good.push_back(accepted);
  }
  std::vector<Request> new_requests;
  std::set<std::uint16_t> answered;
  if (delivery.cast == Delivery::Cast::copy && !packet->requests.empty()) {
    reject("request", error(ErrorCode::forbidden, "in a copy, which nobody can be answered for"), delivery);
    packet->requests.clear();
  }
  for (const Request& request : packet->requests) {
    if (!judge_.may_request(delivery.link)) {
      reject("request", error(ErrorCode::rate_limited, "too many requests over this link"), delivery);
      continue;
    }
    if (lookup_.answer(request, delivery, answered)) new_requests.push_back(request);
  }
  if (!packet->events.empty() && fresh.empty() && bad == 0) host_.observer.frame_was(Traffic::duplicate);
  const bool kept = !packet->events.empty() && std::none_of(good.begin(), good.end(), [](const EventPtr& event) {
    return kind::class_of(event->kind) == kind::Class::ephemeral;
  });
  if (delivery.cast == Delivery::Cast::copy && bad == 0 && kept) receipt_when_durable(delivery);
  if (delivery.cast == Delivery::Cast::unicast) acknowledge_when_durable(delivery, good);
  received.good = bad == 0;
  if (delivery.cast != Delivery::Cast::broadcast) return received;
  if (fresh.empty() && new_requests.empty()) return received;
  // Only what was looked at now is handed on: behind an id that we know may stand a forgery, for which those that do
  // not know the id would blame us.
  if (fresh.size() == packet->events.size() && new_requests.size() == packet->requests.size()) {
    received.onward = delivery.payload;
  } else {
    received.onward = encode_packet(fresh, new_requests);
  }
  return received;
}

void Feed::receive_stream(const Delivery& delivery) {
  if (delivery.cast == Delivery::Cast::broadcast) {
    reject("stream", error(ErrorCode::forbidden, "nothing of this kind is for everybody"), delivery);
    return blame(delivery);
  }
  const auto part = decode_stream_part(delivery.payload.view(), config_.limits);
  if (!part) return reject("stream", part.error(), delivery);
  Received received;
  if (part->packet.empty()) {  // all of it is gone
    received.good = delivery.asked || judge_.may_bring_event(delivery.link);
    received.limited = !received.good;
  } else {
    Delivery inner = delivery;
    inner.channel = Channel::packets;
    inner.payload = part->packet;
    is_ahead_ = multicast_.positions().is_ahead(*part);
    received = receive_packet(inner);
    is_ahead_ = false;
  }
  // What its author's own server sends and we refuse will never be any better.
  const bool from_author = delivery.from_server && speaks_for(delivery, part->head.author, config_.overlay);
  if (received.good || (from_author && !received.limited)) multicast_.arrived(*part, received.events, delivery);
}

Feed::Arrival Feed::accept(Event event, const Delivery& delivery, EventPtr& accepted) {
  // Only ids that passed the gate are in recent_, so a claimed id found there is the same event or a forgery of it:
  // nothing to look at while we hold the event. Without it (evicted, or refused for want of room) it gets its chance.
  if (recent_.contains(half_of(event.id))) {
    accepted = host_.store.get(event.id);
    if (accepted) heard(delivery, accepted.get());
    if (accepted || kind::class_of(event.kind) == kind::Class::ephemeral) return Arrival::known;
  }
  if (event.created_at > unix_seconds(host_.clock.wall() + config_.limits.future_tolerance)) {
    reject("event", error(ErrorCode::bad_time, "created_at lies in the future"), delivery);
    return Arrival::bad;
  }
  auto valid = ValidationGate::validate(std::move(event), config_.limits, host_.verifier);
  if (!valid) {
    reject("event", valid.error(), delivery);
    // How large an event may be is each server's own affair, and was another number once.
    if (valid.error().code != ErrorCode::too_large) blame(delivery);
    return Arrival::bad;
  }
  accepted = *valid;
  heard(delivery, accepted.get());
  if (const char* why = refusal(accepted.get())) {
    reject("event", error(ErrorCode::forbidden, why), delivery);
    recent_.insert(half_of(accepted->id));
    accepted = {};
    return Arrival::known;
  }
  if (const auto refused = inbox_refusal(accepted.get(), config_, host_.store);
      refused && !lookup_.has_asked_for(accepted.get())) {
    reject(refused->what, error(ErrorCode::forbidden, refused->why), delivery);
    const bool is_new = recent_.insert(half_of(accepted->id));
    // Others may want it: it is handed on, and nothing of it stays.
    if (is_new && delivery.cast == Delivery::Cast::broadcast) return Arrival::fresh;
    accepted = {};
    return Arrival::known;
  }
  if (kind::class_of(accepted->kind) != kind::Class::ephemeral) {
    if (deletion_of(*accepted, host_.store) || has_expired(*accepted, unix_seconds(host_.clock.wall()))) {
      recent_.insert(half_of(accepted->id));
      return Arrival::known;
    }
    if (is_unwanted(*accepted, delivery)) {
      reject("reaction", error(ErrorCode::not_found, "what it is a reaction to is not here"), delivery);
      accepted = {};
      return Arrival::known;
    }
    const PutOutcome outcome = host_.store.put(accepted);
    if (outcome == PutOutcome::refused || outcome == PutOutcome::trouble) {
      const bool fails = outcome == PutOutcome::trouble;
      reject("event", error(ErrorCode::full, fails ? "the disk fails" : "the store has no room for it"), delivery);
      accepted = {};
      return fails ? Arrival::later : Arrival::bad;
    }
    if (outcome == PutOutcome::stored) flush_within(config_.limits.unflushed);
    if (outcome == PutOutcome::stored && accepted->kind == kind::bind) {
      overlay_.bind(accepted);
      multicast_.bound(accepted->pubkey);
    }
    if (outcome == PutOutcome::stored && accepted->kind == kind::deletion) obey(accepted);
    if (outcome == PutOutcome::stored && accepted->pubkey == config_.owner) {  // a copy, after our disk was lost
      own_events_.have(*accepted);
      if (accepted->kind == kind::follow_list) own_list_changed();
    }
    if (outcome != PutOutcome::stored) {
      recent_.insert(half_of(accepted->id));
      return Arrival::known;
    }
  }
  if (!recent_.insert(half_of(accepted->id))) return Arrival::known;  // held again; it was handed on the first time
  host_.observer.event_accepted(accepted->id, delivery.link);
  tell(accepted);
  if (is_to_us(*accepted)) multicast_.hand_on(accepted);
  return Arrival::fresh;
}

// Well signed, and not wanted all the same: nobody is to blame, and who sees to it otherwise may have it.
const char* Feed::refusal(const Event& event) {
  if (is_banned(event, host_.store)) return "it, or its author, is banned here";
  if (has_expired(event, unix_seconds(host_.clock.wall()))) return "it has expired";
  return nullptr;
}

// The author of a target sends reactions to followers, not all of whom have got the target; they have no use for them.
// Unless it may still come: different servers bring what was missed, in any order.
bool Feed::is_unwanted(const Event& event, const Delivery& delivery) {
  return event.kind == kind::reaction && delivery.cast != Delivery::Cast::broadcast && event.pubkey != config_.owner &&
         !is_ahead_ && !target_of(event, host_.store) && !waits_for_us(event, config_.owner, host_.store);
}

// A broadcast is looked at by whoever hands it on, so for a bad one the link is to blame that it came over, be it that
// of a server that does not look; a unicast only passed through.
void Feed::blame(const Delivery& delivery) {
  if (delivery.cast != Delivery::Cast::broadcast || !judge_.fault(delivery.link)) return;
  host_.observer.noted("closed a link that brought too much that is forged or malformed");
  overlay_.close_link(delivery.link, CloseReason::protocol_error);
  judge_.link_down(delivery.link);
}

// Nobody waits long for a received post to be durable, so several share one commit.
void Feed::flush_within(Duration pause) {
  const MonoTime at = host_.clock.mono() + pause;
  if (flush_at_ && *flush_at_ <= at) return;
  flush_at_ = at;
  host_.timers.arm(Timer::flush, at);
}

void Feed::acknowledge_when_durable(const Delivery& delivery, const std::vector<EventPtr>& events) {
  bool any = false;
  for (const EventPtr& event : events) {
    // Only what names our user, or is about what is theirs, was sent from an outbox and waits for an answer.
    if (!waits_for_us(*event, config_.owner, host_.store)) continue;
    if (unacknowledged_count_ >= config_.limits.unacknowledged) {  // it will come again
      reject("acknowledge", error(ErrorCode::full, "too much waits for the disk"), delivery);
      break;
    }
    if (unacknowledged_[host_.store.flush()][delivery.source].insert(event->id).second) ++unacknowledged_count_;
    any = true;
  }
  if (any) durable(host_.store.durable());
}

void Feed::receipt_when_durable(const Delivery& copy) {
  if (receipts_due_ >= config_.limits.unacknowledged) {  // it will come again
    reject("copy", error(ErrorCode::full, "too much waits for the disk"), copy);
    return;
  }
  ++receipts_due_;
  unflushed_copies_.push_back(copy);
  unflushed_copies_.back().payload = {};
  flush_within(config_.limits.unreceipted);
}

void Feed::receive_extension(const Delivery& delivery) {
  if (!judge_.may_bring_message(delivery)) {
    reject("extension", error(ErrorCode::rate_limited, "too many over this link"), delivery);
    return;
  }
  if (delivery.cast != Delivery::Cast::unicast) {
    reject("extension", error(ErrorCode::forbidden, "nothing of this kind is for several"), delivery);
    blame(delivery);
    return;
  }
  const auto message = decode_extension(delivery.payload.view(), config_.limits);
  if (!message) {
    reject("extension", message.error(), delivery);
    return;
  }
  struct Visitor {
    Feed& feed;
    const Delivery& from;
    void operator()(const Follow& m) const {
      feed.multicast_.follow(m, from);
      if (feed.multicast_.followers().contains(m.follower)) feed.own_events_.met({&m.follower, 1});
    }
    void operator()(const Unfollow& m) const { feed.multicast_.unfollow(m, from); }
    void operator()(const Followed& m) const {
      feed.multicast_.followed(m, from);
      if (feed.multicast_.follows().contains(m.followee)) feed.own_events_.met({&m.followee, 1});
    }
    void operator()(const Announce& m) const { feed.multicast_.announced(m, from); }
    void operator()(const Pull& m) const { feed.multicast_.pulled(m, from); }
    void operator()(const Acknowledge& m) const {
      if (!speaks_for(from, m.recipient, feed.config_.overlay) || !from.from_server) {
        feed.reject("acknowledge", error(ErrorCode::forbidden, "an acknowledgement for somebody else"), from);
        return;
      }
      for (const EventId& id : m.events) feed.outbox_.acknowledged(m.recipient, id);
    }
  };
  const Visitor visitor{*this, delivery};
  std::visit(
      [&](const auto& m) {
        if constexpr (std::is_invocable_v<const Visitor&, decltype(m)>) {
          visitor(m);
        } else {  // about mail
          for (const Delivery& letter : multicast_.about_mail(m, delivery)) receive(letter);
          if constexpr (std::is_same_v<decltype(m), const MailPart&>) multicast_.taken(delivery);
        }
      },
      *message);
}

void Feed::reject(std::string_view what, const Error& why, const Delivery& delivery) {
  host_.observer.rejected(what, why, delivery.link);
}

void Feed::topology_changed() {
  outbox_.topology_changed();
  lookup_.topology_changed();
  own_events_.topology_changed();
  multicast_.topology_changed();
}

void Feed::timer(Timer timer) {
  if (timer == Timer::outbox) outbox_.timer();
  if (timer == Timer::follow) multicast_.timer();
  if (timer == Timer::mode) mode_.timer(overlay_.network_size(), multicast_.followers().all().size());
  if (timer == Timer::guardians) {
    multicast_.guardians_timer();
    own_events_.leave_with(multicast_.guardians().named());
  }
  if (timer == Timer::flush) {
    flush_at_.reset();
    const Ticket ticket = host_.store.flush();
    if (!unflushed_copies_.empty()) {
      auto& waiting = receipts_[ticket];
      waiting.insert(waiting.end(), unflushed_copies_.begin(), unflushed_copies_.end());
      clear_out(unflushed_copies_);
      durable(host_.store.durable());
    }
  }
}

void Feed::durable(Ticket ticket) {
  multicast_.durable(ticket);
  while (!receipts_.empty() && receipts_.begin()->first <= ticket) {
    for (const Delivery& copy : receipts_.begin()->second) overlay_.receipt(copy);
    receipts_due_ -= receipts_.begin()->second.size();
    receipts_.erase(receipts_.begin());
  }
  while (!unacknowledged_.empty() && unacknowledged_.begin()->first <= ticket) {
    for (const auto& [source, events] : unacknowledged_.begin()->second) {
      unacknowledged_count_ -= events.size();
      Acknowledge message{config_.owner, {}};
      for (auto at = events.begin(); at != events.end();) {
        message.events.push_back(*at);
        if (++at != events.end() && message.events.size() < config_.limits.packet_events) continue;
        overlay_.unicast(source, Channel::extension, encode_extension(message), Priority::control);
        message.events.clear();
      }
    }
    unacknowledged_.erase(unacknowledged_.begin());
  }
}

}  // namespace np2p
