#include "core/base/result.h"

namespace np2p {

std::string_view name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::bad_id:
      return "bad_id";
    case ErrorCode::bad_signature:
      return "bad_signature";
    case ErrorCode::bad_time:
      return "bad_time";
    case ErrorCode::bad_kind:
      return "bad_kind";
    case ErrorCode::bad_field:
      return "bad_field";
    case ErrorCode::wrong_version:
      return "wrong_version";
    case ErrorCode::unknown_type:
      return "unknown_type";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::read_only:
      return "read_only";
    case ErrorCode::rate_limited:
      return "rate_limited";
    case ErrorCode::full:
      return "full";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::unreachable:
      return "unreachable";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::unauthenticated:
      return "unauthenticated";
    case ErrorCode::deleted:
      return "deleted";
    case ErrorCode::weak:
      return "weak";
    case ErrorCode::expired:
      return "expired";
    case ErrorCode::count_:
      break;
  }
  return "unknown";
}

}  // namespace np2p
