// Result<T>: a value, or the reason why a peer's or user's input was refused. The code is for counters and status
// lines, the reason for people; a code's name never changes (metrics are keyed by it).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/assert.h"

namespace np2p {

enum class ErrorCode : std::uint8_t {
  malformed,        // does not parse
  too_large,        // over a limit of Limits
  bad_id,           // the id is not the hash of the content
  bad_signature,    // BIP-340 verification failed
  bad_time,         // created_at out of the allowed window, or not a number
  bad_kind,         // kind out of range
  bad_field,        // a field is missing or of the wrong shape
  wrong_version,    // a protocol version that we do not speak
  unknown_type,     // a message type that we do not know
  forbidden,        // not allowed to do this here
  read_only,        // server started with -w=false
  rate_limited,     // over its token bucket
  full,             // no room (disk, queue, connection limit)
  not_found,        // nothing there
  unreachable,      // no route to it at the moment
  unavailable,      // the environment failed (disk error, shutting down)
  unauthenticated,  // who asks has to prove a key first (NIP-42, NIP-98)
  deleted,          // its author has taken it back; it does not come back
  weak,             // less proof of work than is asked for (NIP-13)
  expired,          // its own expiration is past (NIP-40)
  count_,
};

std::string_view name(ErrorCode code) noexcept;

struct Error {
  ErrorCode code = ErrorCode::malformed;
  std::string reason;  // one sentence, lower case, no full stop
};

inline Error error(ErrorCode code, std::string reason) {
  return {code, std::move(reason)};
}

template <class T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design
  Result() requires std::is_same_v<T, std::monostate> : state_(std::in_place_index<0>) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const T& value() const& {
    NP2P_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T& value() & {
    NP2P_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    NP2P_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  [[nodiscard]] const Error& error() const {
    NP2P_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<>;

}  // namespace np2p
