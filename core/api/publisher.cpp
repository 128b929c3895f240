#include "core/api/publisher.h"

#include <utility>

#include "core/event/bind.h"
#include "core/event/expiry.h"
#include "core/event/references.h"
#include "core/feed/bans.h"
#include "core/feed/deletions.h"
#include "core/feed/feed.h"

namespace np2p {

Publisher::Publisher(const Config& config, Host& host, Feed& feed, Access& access)
    : config_(config), host_(host), feed_(feed), access_(access) {}

Result<EventPtr> Publisher::admit(WrittenEvent written, const Visitor& by, Style style) {
  Event& event = written.event;
  if (const Status may = access_.may_write(by, event); !may.ok()) return may.error();
  if (pending_.size() >= config_.limits.pending_publishes) {
    return error(ErrorCode::rate_limited, "too many publishes are waiting for the disk");
  }
  const std::int64_t now = unix_seconds(host_.clock.wall());
  if (event.created_at > unix_seconds(host_.clock.wall() + config_.limits.future_tolerance)) {
    return error(ErrorCode::bad_time, "created_at lies in the future");
  }
  if (style == Style::original && event.kind == kind::post && event.content.empty()) {
    return error(ErrorCode::bad_field, "Content is required");
  }
  if (has_expired(event, now)) return error(ErrorCode::expired, "it has expired already");
  if (const Status charged = access_.charge(by, event); !charged.ok()) return charged.error();
  auto valid = access_.verify(std::move(event), by.origin, written.text);
  if (!valid) return valid;
  const Event& accepted = (*valid).get();
  if (is_banned(accepted, host_.store)) return error(ErrorCode::forbidden, "it, or its author, is banned here");
  if (accepted.kind == kind::bind) {
    if (const Status bind = admit_bind(*valid); !bind.ok()) return bind.error();
  }
  if (accepted.kind == kind::deletion) {
    if (const Status deletion = admit_deletion(accepted); !deletion.ok()) return deletion.error();
  }
  if (deletion_of(accepted, host_.store)) {
    return error(ErrorCode::deleted, "it has been deleted; a deleted event does not come back");
  }
  if (host_.store.contains(accepted.id)) return valid;  // brought once more, it takes nothing from others
  if (const Status charged = access_.charge_all(by, accepted); !charged.ok()) return charged.error();
  return valid;
}

// Nobody would follow it: without its newest BIND a key would belong to whoever claims it.
Status Publisher::admit_deletion(const Event& event) {
  const Deletes wanted = deletes(event);
  bool of_bind = wanted.kinds.count(kind::bind) != 0;
  for (const EventAddress& address : wanted.addresses) of_bind = of_bind || address.kind == kind::bind;
  for (const EventId& id : wanted.ids) {
    const EventPtr held = host_.store.get(id);
    of_bind = of_bind || (held && held->kind == kind::bind);
  }
  if (of_bind) return error(ErrorCode::bad_kind, "a BIND cannot be deleted; publish one without a node instead");
  return {};
}

// What the network would not follow, or would hold against the user, is refused while it can still be mended.
Status Publisher::admit_bind(const EventPtr& event) {
  const auto fresh = decode_bind(event.get());
  if (!fresh.ok()) return fresh.error();
  if (event->pubkey == config_.owner) {  // whose disk is new may know it from the network only
    const Identity identity = feed_.identity();
    const std::string there = std::to_string(identity.epoch);
    if (fresh->epoch == identity.epoch && identity.state == Identity::State::elsewhere) {
      return error(ErrorCode::bad_field, "epoch " + there + " names another node already; use a higher one");
    }
    if (fresh->epoch < identity.epoch) {
      return error(ErrorCode::bad_field, "a BIND with the higher epoch " + there + " is there already");
    }
  }
  Filter filter;
  filter.authors = {event->pubkey};
  filter.kinds = {kind::bind};
  for (const EventPtr& held : host_.store.query(filter, Order::newest_first)) {
    const auto known = decode_bind(held.get());
    if (!known.ok() || held->id == event->id) continue;
    const std::string epoch = std::to_string(known->epoch);
    if (equivocates(*fresh, *known)) {
      return error(ErrorCode::bad_field, "epoch " + epoch + " names another node already; use a higher one");
    }
    if (fresh->epoch < known->epoch) {
      return error(ErrorCode::bad_field, "a BIND with the higher epoch " + epoch + " is there already");
    }
  }
  return {};
}

void Publisher::refuse(const Error& why, const Done& done) {
  host_.observer.rejected("publish", why, {});
  done({why});
}

void Publisher::publish(WrittenEvent event, const Visitor& by, Style style, Done done) {
  auto valid = admit(std::move(event), by, style);
  if (!valid) return refuse(valid.error(), done);
  const EventPtr& accepted = *valid;
  const auto hand_on = [&] { access_.is_owners(*accepted) ? feed_.published(accepted) : feed_.delivered(accepted); };
  if (kind::class_of(accepted->kind) == kind::Class::ephemeral) {
    hand_on();  // never stored (NIP-01), so there is nothing to wait for
    const bool heard = access_.is_owners(*accepted) && !feed_.multicast().followers().all().empty();
    return done({Status{}, false, true, heard});
  }
  const PutOutcome outcome = host_.store.put(accepted);
  if (outcome == PutOutcome::superseded) {
    return refuse(error(ErrorCode::bad_time, "a newer event of this kind is already stored"), done);
  }
  if (outcome == PutOutcome::refused) return refuse(error(ErrorCode::full, "the store has no room for it"), done);
  // What is known may be so from a batch that the disk has not taken.
  const bool unsafe = disk_fails_ && outcome == PutOutcome::duplicate;
  if (outcome == PutOutcome::trouble || unsafe) return refuse(error(ErrorCode::full, "the disk fails"), done);
  if (outcome == PutOutcome::stored) hand_on();
  pending_.push_back({host_.store.flush(), std::move(done), outcome == PutOutcome::duplicate});
  acknowledge(host_.store.durable());
}

void Publisher::durable(Ticket ticket) {
  disk_fails_ = false;
  acknowledge(ticket);
}

// What is answered so is not undone: it stays in the batch that the store repeats, and may be with followers already.
// Once the disk is well it is durable like the rest; who brings it again then hears that it is here.
void Publisher::disk_failed() {
  disk_fails_ = true;
  for (const Pending& waiting : std::exchange(pending_, {})) {
    refuse(error(ErrorCode::full, "the disk fails; it may be kept once it works again"), waiting.done);
  }
}

void Publisher::acknowledge(Ticket ticket) {
  while (!pending_.empty() && pending_.front().ticket <= ticket) {
    const Pending safe = std::move(pending_.front());
    pending_.pop_front();
    safe.done({Status{}, safe.known});
  }
}

}  // namespace np2p
