// Our own messages between nodes, on Channel::extension: registering as a follower, streams, acknowledging events, mail
// for who is away. Each is a msgpack array [version, type, fields...]; a newer version or an unknown type is refused
// with wrong_version or unknown_type, counted and ignored, so that N and N-1 interoperate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/wire/guardian_messages.h"
#include "core/wire/stream.h"

namespace np2p {

inline constexpr std::uint8_t kExtensionVersion = 1;

// "Send me what your user posts." Renews the lease if registered already. `position`: so far I have your stream;
// without one, what is newer than `since` (created_at in Unix seconds of the newest event of yours that I hold, 0 if
// none) comes at once.
struct Follow {
  PubKey follower;
  std::int64_t since = 0;
  std::optional<StreamPosition> position{};
  std::vector<PubKey> guardians{};  // who takes in what is for the follower while it is away; at most kMostGuardians
  std::uint64_t said = 0;           // rises with each FOLLOW and UNFOLLOW of one server; 0: by an earlier version
  friend bool operator==(const Follow&, const Follow&) = default;
};

// "No longer."
struct Unfollow {
  PubKey follower;
  std::uint64_t said = 0;  // as in Follow: one that was recorded before the last FOLLOW says nothing any more
  friend bool operator==(const Unfollow&, const Unfollow&) = default;
};

inline constexpr std::size_t kMostGuardians = 3;

// Where a stream stands: its head, and what came after the position that a follower named, or from which it was not
// served. What it does not hold of that it pulls.
struct StreamNews {
  StreamHead head;
  std::uint64_t after = 0;        // a seq
  std::vector<EventId> ids;       // of after + 1 and so on, at most kMostNews; they may end before the head
  std::vector<PubKey> guardians;  // of the author: who answers while it is away
  friend bool operator==(const StreamNews&, const StreamNews&) = default;
};
inline constexpr std::size_t kMostNews = 256;

// "You are registered with me": the answer to Follow, sent once the registration is durable.
struct Followed {
  PubKey followee;
  std::optional<StreamNews> news{};  // without any from an earlier version
  friend bool operator==(const Followed&, const Followed&) = default;
};

// "There is something that you gave no receipt for", from the author's server; or the answer to a Pull for ids. The
// answer is a Pull.
struct Announce {
  StreamNews news;
  friend bool operator==(const Announce&, const Announce&) = default;
};

// "Send me these numbers of that stream": after + 1 to until. None: "I have all that you announced." Whoever holds them
// answers, with parts of the stream (stream.h); ids_only: the author, with an Announce, because some of the events may
// have come another way.
struct Pull {
  PubKey puller;
  PubKey author;
  std::uint64_t incarnation = 0;  // of what the puller has
  std::uint64_t after = 0;
  std::uint64_t until = 0;
  bool ids_only = false;
  friend bool operator==(const Pull&, const Pull&) = default;
};

// "These events are durable here": stops the sender's retries.
struct Acknowledge {
  PubKey recipient;
  std::vector<EventId> events;
  friend bool operator==(const Acknowledge&, const Acknowledge&) = default;
};

using Extension = std::variant<Follow, Unfollow, Followed, Acknowledge, Announce, Pull, Guard, Guarded, Mail, Mailed,
                               Collect, MailIndex, MailWant, MailPart, MailTaken, AskWards, TellWards>;

Frame encode_extension(const Extension& message);
Result<Extension> decode_extension(ByteView bytes, const Limits& limits);

}  // namespace np2p
