#include "realnet/http/http_message.h"

namespace np2p::real {

std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20) {
      out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += byte < 0x80 ? c : '?';
    }
  }
  return out + '"';
}

unsigned http_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::forbidden:
    case ErrorCode::deleted:
      return 403;
    case ErrorCode::unauthenticated:
      return 401;
    case ErrorCode::read_only:
      return 406;
    case ErrorCode::rate_limited:
      return 429;
    case ErrorCode::full:
      return 507;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::unreachable:
    case ErrorCode::unavailable:
      return 503;
    default:
      return 400;
  }
}

std::string_view http_reason(unsigned status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

HttpReply http_error(unsigned status, std::string_view reason) {
  HttpReply reply;
  reply.status = status;
  reply.reason = reason;
  reply.body = "{\"Error\":" + json_string(reason) + "}";
  return reply;
}

}  // namespace np2p::real
