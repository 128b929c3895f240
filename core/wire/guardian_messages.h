// Messages about mail for followers who are away (core/feed/guardians.h), on Channel::extension like the others of
// extension.h. An author leaves what a follower (the ward) did not take with a guardian of the ward's; the ward
// collects it when it is back.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/wire/msgpack.h"

namespace np2p {

// What one author sends out, numbered in order; another incarnation counts anew.
struct MailStream {
  PubKey author;
  std::uint64_t incarnation = 0;
  friend auto operator<=>(const MailStream&, const MailStream&) = default;
};

// "Keep mail for me", or no longer. Said again now and then, as a sign of life.
struct Guard {
  PubKey ward;
  bool on = true;
  // What of ours the guardian puts into the directory while we are away (core/overlay/swarm/guardian_records.h), and
  // from whom it takes mail (core/feed/follow_filter.h; empty: from everybody).
  ByteVec record{};
  ByteVec filter{};
  friend bool operator==(const Guard&, const Guard&) = default;
};

// The answer, once it is durable.
struct Guarded {
  PubKey guardian;
  bool accepted = false;
  std::uint64_t room = 0;     // bytes that are kept for the ward
  std::uint64_t letters = 0;  // that wait for it
  friend bool operator==(const Guarded&, const Guarded&) = default;
};

// "Keep this for these." The author is the user whose server sends it.
struct Mail {
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
  std::uint8_t channel = 0;  // it would have gone over to the wards
  std::vector<PubKey> wards;
  Frame payload;
  friend bool operator==(const Mail&, const Mail&) = default;
};

// "It is durable here for these; for those I do not keep it."
struct Mailed {
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
  std::vector<PubKey> kept;
  std::vector<PubKey> refused;
  std::vector<PubKey>
      here{};  // of these wards, those whose servers have been heard of lately: they can get it themselves
  friend bool operator==(const Mailed&, const Mailed&) = default;
};

// "These name you as their guardian: have you agreed?" From the server of an author whom they follow.
struct AskWards {
  std::vector<PubKey> wards;
  friend bool operator==(const AskWards&, const AskWards&) = default;
};

// The answer, for each of them.
struct TellWards {
  std::vector<PubKey> agreed;
  std::vector<PubKey> refused;
  friend bool operator==(const TellWards&, const TellWards&) = default;
};

// "I am back: what have you got for me?"
struct Collect {
  PubKey ward;
  friend bool operator==(const Collect&, const Collect&) = default;
};

// Letters of one stream, with gaps maybe: at most 16 bytes in all but extreme cases. Of the author's key the first four
// bytes; of two authors who share them both are meant.
struct MailRange {
  std::uint32_t author = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const MailRange&, const MailRange&) = default;
};
std::uint32_t beginning_of(const PubKey& author) noexcept;

// What there is. Empty: nothing.
struct MailIndex {
  std::vector<MailRange> ranges;
  friend bool operator==(const MailIndex&, const MailIndex&) = default;
};

// What of it the ward lacks.
struct MailWant {
  std::vector<MailRange> ranges;
  bool joined = false;  // letters of one stream that follow each other may come as one (core/feed/mail_join.h)
  friend bool operator==(const MailWant&, const MailWant&) = default;
};

struct Letter {
  std::uint64_t stream = 0;  // its place in MailPart::streams
  std::uint64_t seq = 0;
  std::uint8_t channel = 0;
  Frame payload;
  friend bool operator==(const Letter&, const Letter&) = default;
};

struct MailPart {
  std::vector<MailStream> streams;
  std::vector<Letter> letters;
  bool last = false;  // there is no more of what was wanted
  friend bool operator==(const MailPart&, const MailPart&) = default;
};

struct MailSpan {
  MailStream stream;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const MailSpan&, const MailSpan&) = default;
};

// "These are durable here: delete them."
struct MailTaken {
  std::vector<MailSpan> spans;
  friend bool operator==(const MailTaken&, const MailTaken&) = default;
};

namespace guardian_wire {

// How many fields a message has; extension.cpp writes and reads what goes before them.
template <class Message>
inline constexpr std::size_t kFields = 1;
template <>
inline constexpr std::size_t kFields<Guard> = 4;
template <>
inline constexpr std::size_t kFields<Guarded> = 4;
template <>
inline constexpr std::size_t kFields<Mail> = 5;
template <>
inline constexpr std::size_t kFields<Mailed> = 5;
template <>
inline constexpr std::size_t kFields<TellWards> = 2;
template <>
inline constexpr std::size_t kFields<MailWant> = 2;
template <>
inline constexpr std::size_t kFields<MailPart> = 3;

// How many of these earlier versions have. What comes later is read by itself.
template <class Message>
inline constexpr std::size_t kFirstFields = kFields<Message>;
template <>
inline constexpr std::size_t kFirstFields<Guard> = 2;
template <>
inline constexpr std::size_t kFirstFields<Mailed> = 4;
template <>
inline constexpr std::size_t kFirstFields<MailWant> = 1;
template <class Message>
std::optional<Error> read_later(msgpack::Reader& /*in*/, const Limits& /*limits*/, Message& /*m*/) {
  return std::nullopt;
}
std::optional<Error> read_later(msgpack::Reader& in, const Limits& limits, Guard& m);
std::optional<Error> read_later(msgpack::Reader& in, const Limits& limits, Mailed& m);
std::optional<Error> read_later(msgpack::Reader& in, const Limits& limits, MailWant& m);

void write(msgpack::Writer& out, const Guard& m);
void write(msgpack::Writer& out, const Guarded& m);
void write(msgpack::Writer& out, const Mail& m);
void write(msgpack::Writer& out, const Mailed& m);
void write(msgpack::Writer& out, const Collect& m);
void write(msgpack::Writer& out, const MailIndex& m);
void write(msgpack::Writer& out, const MailWant& m);
void write(msgpack::Writer& out, const MailPart& m);
void write(msgpack::Writer& out, const MailTaken& m);
void write(msgpack::Writer& out, const AskWards& m);
void write(msgpack::Writer& out, const TellWards& m);

// The reason if it is none.
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Guard& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Guarded& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Mail& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Mailed& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Collect& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailIndex& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailWant& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailPart& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailTaken& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, AskWards& m);
std::optional<Error> read(msgpack::Reader& in, const Limits& limits, TellWards& m);

}  // namespace guardian_wire
}  // namespace np2p
