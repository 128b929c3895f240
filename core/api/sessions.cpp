#include "core/api/sessions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/api/server_message.h"
#include "core/event/expiry.h"
#include "core/event/json.h"

namespace np2p {
namespace {

constexpr std::uint16_t kProofOfKey = 22242;  // NIP-42

}  // namespace

bool Sessions::open(SessionId id, ClientOrigin origin) {
  if (sessions_.size() >= config_.limits.client.sessions) {
    host_.observer.rejected("session", error(ErrorCode::full, "too many clients"), {});
    return false;
  }
  auto session = std::make_unique<Session>(id, std::move(origin), config_, host_);
  if (!access_.may_read(session->visitor()).ok()) session->challenge(access_.challenge());
  sessions_[id] = std::move(session);
  return true;
}

void Sessions::text(SessionId id, std::string_view text) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  Session& session = *at->second;
  auto message = parse_client_message(text, config_.limits);
  const bool allowed = session.may_speak(access_.is_insider(session.visitor()));
  const Error too_fast = error(ErrorCode::rate_limited, "too many messages; slow down");
  if (!message.ok() || (!allowed && std::holds_alternative<CloseMessage>(*message))) {
    const Error& why = message.ok() ? too_fast : message.error();
    host_.observer.rejected("client message", why, {});
    session.say(server_message::notice(server_message::refusal(why)));
  } else if (auto* with_event = std::get_if<EventMessage>(&*message)) {
    if (!allowed) with_event->event = too_fast;
    with_event->proves ? proof(session, std::move(*with_event)) : event(session, std::move(*with_event));
  } else if (auto* question = std::get_if<AskMessage>(&*message)) {
    if (!allowed) question->filters = too_fast;
    ask(session, std::move(*question));
  } else if (auto* step = std::get_if<ReconcileMessage>(&*message)) {
    if (!allowed) step->step = too_fast;
    reconcile(session, std::move(*step));
  } else if (const auto* close = std::get_if<CloseMessage>(&*message); close->reconciling) {
    session.reconciling().erase(close->subscription);
  } else {
    session.unsubscribe(close->subscription);
  }
  forget_ended(id);
}

void Sessions::event(Session& session, EventMessage message) {
  if (message.event.ok() && message.event->kind == kProofOfKey) {
    message.event = error(ErrorCode::bad_kind, "an event of this kind belongs into AUTH");
  }
  if (!message.event.ok()) {
    host_.observer.rejected("publish", message.event.error(), {});
    return refuse(session, message.id, message.event.error());
  }
  const Event& claim = *message.event;
  const bool heard =
      kind::class_of(claim.kind) == kind::Class::ephemeral &&
      std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& other) { return other.second->wants(claim); });
  const SessionId id = session.id();
  publisher_.publish({std::move(message.event).value(), message.text}, session.visitor(), Publisher::Style::nip01,
                     [this, id, event = message.id, heard](const Publisher::Outcome& outcome) {
                       answer(id, event, outcome, heard || outcome.heard);
                     });
}

// The session may end by this, if its client does not read; nobody may hold it any longer who calls.
void Sessions::answer(SessionId id, const std::string& event, const Publisher::Outcome& outcome, bool heard) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  Session& session = *at->second;
  if (!outcome.status.ok()) {
    refuse(session, event, outcome.status.error());
    const ErrorCode why = outcome.status.error().code;
    if (why == ErrorCode::bad_signature || why == ErrorCode::bad_id) session.forged();
  } else if (outcome.ephemeral && !heard) {
    session.say(server_message::ok(event, false, "mute: nobody listens to it at the moment, and it is not kept"));
  } else {
    session.say(server_message::ok(event, true, outcome.known ? "duplicate: it is here already" : ""));
  }
  forget_ended(id);
}

void Sessions::refuse(Session& session, const std::string& event, const Error& why) {
  if (event.empty()) return session.say(server_message::notice(server_message::refusal(why)));
  ask_who_it_is(session, why);
  session.say(server_message::ok(event, false, server_message::refusal(why)));
}

void Sessions::refuse_subscription(Session& session, const std::string& subscription, const Error& why) {
  host_.observer.rejected("subscription", why, {});
  session.unsubscribe(subscription);
  ask_who_it_is(session, why);
  session.say(server_message::closed(server_message::quoted(subscription), server_message::refusal(why)));
}

// The challenge goes before the refusal, so that a client that reads the one has the other already.
void Sessions::ask_who_it_is(Session& session, const Error& why) {
  if (why.code == ErrorCode::unauthenticated && session.challenge().empty()) session.challenge(access_.challenge());
}

void Sessions::proof(Session& session, EventMessage message) {
  Status outcome;
  if (!message.event.ok()) {
    outcome = message.event.error();
  } else if (session.challenge().empty()) {
    outcome = error(ErrorCode::bad_field, "nobody asked for a proof");
  } else {
    const EventId proof = message.event->id;
    const auto key = access_.prove(std::move(message.event).value(), session.challenge(), session.visitor().origin);
    if (!key.ok()) {
      outcome = key.error();
    } else if (!session.proven(proof, *key)) {
      outcome = error(ErrorCode::forbidden, "this proof was used already, or this connection has proven too many keys");
    }
  }
  if (!outcome.ok()) {
    host_.observer.rejected("proof", outcome.error(), {});
    return refuse(session, message.id, outcome.error());
  }
  session.say(server_message::ok(message.id, true, ""));
}

void Sessions::ask(Session& session, AskMessage message) {
  const auto refuse = [&](const Error& why) { refuse_subscription(session, message.subscription, why); };
  if (!message.filters.ok()) return refuse(message.filters.error());
  if (const Status may = access_.may_read(session.visitor()); !may.ok()) return refuse(may.error());
  if (session.answers_wait()) {
    return refuse(error(ErrorCode::rate_limited, "read the answers first that are on their way"));
  }
  if (message.count) {
    const Reader::Count count = reader_.count(*message.filters);
    return session.say(
        server_message::count(server_message::quoted(message.subscription), count.events, count.at_least));
  }
  if (!session.has_room_for(message.subscription)) {
    return refuse(error(ErrorCode::rate_limited, "too many open subscriptions"));
  }
  auto stored = reader_.stored(*message.filters);
  session.subscribe(message.subscription, std::move(message.filters).value(), std::move(stored));
}

// The client has a set of events and wants to know what only one of us has; it fetches and publishes that as usual.
void Sessions::reconcile(Session& session, ReconcileMessage message) {
  const std::string quoted = server_message::quoted(message.subscription);
  const auto refuse = [&](const Error& why) {
    host_.observer.rejected("reconciliation", why, {});
    session.reconciling().erase(message.subscription);
    ask_who_it_is(session, why);
    session.say(server_message::not_reconciled(quoted, server_message::refusal(why)));
  };
  if (!message.step.ok()) return refuse(message.step.error());
  if (const Status may = access_.may_read(session.visitor()); !may.ok()) return refuse(may.error());
  if (session.answers_wait()) {
    return refuse(error(ErrorCode::rate_limited, "read the answers first that are on their way"));
  }
  if (!message.filters.empty()) {
    if (const Status opened = open_set(session, message); !opened.ok()) return refuse(opened.error());
  }
  const auto set = session.reconciling().find(message.subscription);
  if (set == session.reconciling().end())
    return refuse(error(ErrorCode::not_found, "closed: nothing is open under it"));
  const auto answer = set->second.answer(*message.step);
  if (!answer.ok()) return refuse(answer.error());
  session.say(server_message::reconcile(quoted, *answer));
}

Status Sessions::open_set(Session& session, const ReconcileMessage& message) {
  const ClientLimits& limits = config_.limits.client;
  session.reconciling().erase(message.subscription);
  std::size_t open = 0;
  for (const auto& [id, other] : sessions_) open += other->reconciling().size();
  if (open >= limits.reconciliations || session.reconciling().size() >= limits.reconciliations_of_one) {
    return error(ErrorCode::rate_limited, "too many sets are being compared");
  }
  std::vector<Stamp> stamps;
  for (const Filter& filter : message.filters) {
    const auto more = host_.store.stamps(filter, limits.reconciled_events + 1);
    stamps.insert(stamps.end(), more.begin(), more.end());
    if (message.filters.size() > 1) {  // each once
      std::sort(stamps.begin(), stamps.end(), [](const Stamp& a, const Stamp& b) { return a.id < b.id; });
      const auto same = [](const Stamp& a, const Stamp& b) { return a.id == b.id; };
      stamps.erase(std::unique(stamps.begin(), stamps.end(), same), stamps.end());
    }
    if (stamps.size() > limits.reconciled_events) {
      return error(ErrorCode::deleted, "that is more than " + std::to_string(limits.reconciled_events) + " events");
    }
  }
  session.reconciling().emplace(message.subscription, Negentropy(std::move(stamps), limits.reconcile_bytes));
  return {};
}

void Sessions::writable(SessionId id) {
  const auto at = sessions_.find(id);
  if (at != sessions_.end()) at->second->writable();
  forget_ended(id);
}

void Sessions::closed(SessionId id) {
  sessions_.erase(id);
}

void Sessions::arrived(const EventPtr& event) {
  if (has_expired(*event, unix_seconds(host_.clock.wall()))) return;
  std::shared_ptr<const std::string> json;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    Session& session = *at->second;
    if (session.wants(*event)) {
      if (!json) json = std::make_shared<const std::string>(event_json(event));
      session.arrived(event, json);
    }
    at = session.ended() ? sessions_.erase(at) : std::next(at);
  }
}

void Sessions::forget_ended(SessionId id) {
  const auto at = sessions_.find(id);
  if (at != sessions_.end() && at->second->ended()) sessions_.erase(at);
}

std::size_t Sessions::bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& [id, session] : sessions_) sum += session->bytes();
  return sum;
}

}  // namespace np2p
