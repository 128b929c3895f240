#include "core/api/api.h"

#include "core/feed/feed.h"

namespace np2p {

Api::Api(const Config& config, Host& host, Feed& feed)
    : host_(host),
      feed_(feed),
      access_(config, host),
      publisher_(config, host, feed, access_),
      reader_(config, host, feed),
      sessions_(config, host, access_, publisher_, reader_) {}

Api::~Api() = default;

void Api::publish(RequestId request, Event event, const Visitor& by, std::string_view text) {
  publisher_.publish(
      {std::move(event), text}, by, Publisher::Style::original,
      [this, request](const Publisher::Outcome& outcome) { host_.clients.published(request, outcome.status); });
}

QueryAnswer Api::query(const ClientQuery& query) {
  return reader_.original(query.filter);
}

void Api::durable(Ticket ticket) {
  publisher_.durable(ticket);
}

void Api::disk_failed() {
  publisher_.disk_failed();
}

bool Api::session_opened(SessionId session, const ClientOrigin& origin) {
  const bool opened = sessions_.open(session, origin);
  feed_.listen(!sessions_.empty());
  return opened;
}

void Api::session_text(SessionId session, std::string_view text) {
  sessions_.text(session, text);
}

void Api::session_writable(SessionId session) {
  sessions_.writable(session);
}

void Api::session_closed(SessionId session) {
  sessions_.closed(session);
  feed_.listen(!sessions_.empty());
}

void Api::arrived(const EventPtr& event) {
  sessions_.arrived(event);
}

}  // namespace np2p
