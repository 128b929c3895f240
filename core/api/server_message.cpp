#include "core/api/server_message.h"

#include "core/event/json_text.h"

namespace np2p::server_message {
namespace {

std::string_view prefix(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::malformed:
    case ErrorCode::too_large:
    case ErrorCode::bad_id:
    case ErrorCode::bad_signature:
    case ErrorCode::bad_time:
    case ErrorCode::bad_kind:
    case ErrorCode::bad_field:
    case ErrorCode::wrong_version:
    case ErrorCode::unknown_type:
    case ErrorCode::expired:
      return "invalid: ";
    case ErrorCode::forbidden:
    case ErrorCode::read_only:
      return "restricted: ";
    case ErrorCode::deleted:
      return "blocked: ";
    case ErrorCode::rate_limited:
      return "rate-limited: ";
    case ErrorCode::unauthenticated:
      return "auth-required: ";
    case ErrorCode::weak:
      return "pow: ";
    case ErrorCode::full:
    case ErrorCode::not_found:
    case ErrorCode::unreachable:
    case ErrorCode::unavailable:
    case ErrorCode::count_:
      break;
  }
  return "error: ";
}

std::string list(std::string_view type, std::string_view first) {
  std::string out = "[\"";
  out.append(type).append("\",").append(first);
  return out;
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out;
  json_text::append_string(out, text);
  return out;
}

std::string event(std::string_view subscription, std::string_view event) {
  std::string out;
  out.reserve(subscription.size() + event.size() + 16);
  out.append("[\"EVENT\",").append(subscription).append(",").append(event).append("]");
  return out;
}

std::string end_of_stored(std::string_view subscription) {
  return list("EOSE", subscription) + "]";
}

std::string closed(std::string_view subscription, std::string_view reason) {
  return list("CLOSED", subscription) + "," + quoted(reason) + "]";
}

std::string count(std::string_view subscription, std::size_t events, bool at_least) {
  std::string out = list("COUNT", subscription) + ",{\"count\":" + std::to_string(events);
  return out.append(at_least ? ",\"approximate\":true}]" : "}]");
}

std::string reconcile(std::string_view subscription, ByteView step) {
  return list("NEG-MSG", subscription).append(",\"").append(to_hex(step)).append("\"]");
}

std::string not_reconciled(std::string_view subscription, std::string_view reason) {
  return list("NEG-ERR", subscription).append(",").append(quoted(reason)).append("]");
}

std::string ok(std::string_view id, bool accepted, std::string_view reason) {
  return list("OK", quoted(id)) + (accepted ? ",true," : ",false,") + quoted(reason) + "]";
}

std::string notice(std::string_view text) {
  return list("NOTICE", quoted(text)) + "]";
}

std::string auth(std::string_view challenge) {
  return list("AUTH", quoted(challenge)) + "]";
}

std::string refusal(const Error& why) {
  return std::string(prefix(why.code)) + why.reason;
}

}  // namespace np2p::server_message
