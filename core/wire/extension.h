// Our own messages between nodes, on Channel::extension: registering as a follower, and acknowledging events. Each is a
// msgpack array [version, type, fields...]; a newer version or an unknown type is refused with wrong_version or
// unknown_type, counted and ignored, so that N and N-1 interoperate.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"

namespace np2p {

inline constexpr std::uint8_t kExtensionVersion = 1;

// "Send me what your user posts." Renews the lease if registered already; `since` is the created_at (Unix seconds) of
// the newest event of yours that I hold, 0 if none: what is newer comes at once.
struct Follow {
  PubKey follower;
  std::int64_t since = 0;
  friend bool operator==(const Follow&, const Follow&) = default;
};

// "No longer."
struct Unfollow {
  PubKey follower;
  friend bool operator==(const Unfollow&, const Unfollow&) = default;
};

// "You are registered with me": the answer to Follow, sent once the registration is durable.
struct Followed {
  PubKey followee;
  friend bool operator==(const Followed&, const Followed&) = default;
};

// "These events are durable here": stops the sender's retries.
struct Acknowledge {
  PubKey recipient;
  std::vector<EventId> events;
  friend bool operator==(const Acknowledge&, const Acknowledge&) = default;
};

using Extension = std::variant<Follow, Unfollow, Followed, Acknowledge>;

Frame encode_extension(const Extension& message);
Result<Extension> decode_extension(ByteView bytes, const Limits& limits);

}  // namespace np2p
