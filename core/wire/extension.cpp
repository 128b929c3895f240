#include "core/wire/extension.h"

#include <string>

#include "core/wire/msgpack.h"

namespace np2p {
namespace {

enum class Type : std::uint16_t {
  follow = 1,
  unfollow = 2,
  followed = 3,
  acknowledge = 4,
  announce = 5,
  pull = 6,
  guard = 16,
  guarded = 17,
  mail = 18,
  mailed = 19,
  collect = 20,
  mail_index = 21,
  mail_want = 22,
  mail_part = 23,
  mail_taken = 24,
  ask_wards = 25,
  tell_wards = 26,
};

constexpr std::size_t kNewsFields = 4;

void head(msgpack::Writer& out, Type type, std::size_t fields) {
  out.array(2 + fields);
  out.uint16(kExtensionVersion);
  out.uint16(static_cast<std::uint16_t>(type));
}

template <class Items>
void write_all(msgpack::Writer& out, const Items& items) {
  out.array(items.size());
  for (const auto& item : items) out.bin(item.view());
}

void write_news(msgpack::Writer& out, const StreamNews& news) {
  out.array(kNewsFields);
  write_head(out, news.head);
  out.uint(news.after);
  write_all(out, news.ids);
  write_all(out, news.guardians);
}

struct Write {
  msgpack::Writer& out;
  void operator()(const Follow& m) const {
    head(out, Type::follow, 5);
    out.bin(m.follower.view());
    out.uint64(static_cast<std::uint64_t>(m.since));
    if (m.position) {
      out.array(2);
      out.uint(m.position->incarnation);
      out.uint(m.position->seq);
    } else {
      out.nil();
    }
    write_all(out, m.guardians);
    out.uint(m.said);
  }
  void operator()(const Unfollow& m) const {
    head(out, Type::unfollow, 2);
    out.bin(m.follower.view());
    out.uint(m.said);
  }
  void operator()(const Followed& m) const {
    head(out, Type::followed, 2);
    out.bin(m.followee.view());
    m.news ? write_news(out, *m.news) : out.nil();
  }
  void operator()(const Acknowledge& m) const {
    head(out, Type::acknowledge, 2);
    out.bin(m.recipient.view());
    write_all(out, m.events);
  }
  void operator()(const Announce& m) const {
    head(out, Type::announce, 1);
    write_news(out, m.news);
  }
  void operator()(const Pull& m) const {
    head(out, Type::pull, 6);
    out.bin(m.puller.view());
    out.bin(m.author.view());
    out.uint(m.incarnation);
    out.uint(m.after);
    out.uint(m.until);
    out.uint(m.ids_only ? 1 : 0);
  }
  void operator()(const Guard& m) const { about_mail(Type::guard, m); }
  void operator()(const Guarded& m) const { about_mail(Type::guarded, m); }
  void operator()(const Mail& m) const { about_mail(Type::mail, m); }
  void operator()(const Mailed& m) const { about_mail(Type::mailed, m); }
  void operator()(const Collect& m) const { about_mail(Type::collect, m); }
  void operator()(const MailIndex& m) const { about_mail(Type::mail_index, m); }
  void operator()(const MailWant& m) const { about_mail(Type::mail_want, m); }
  void operator()(const MailPart& m) const { about_mail(Type::mail_part, m); }
  void operator()(const MailTaken& m) const { about_mail(Type::mail_taken, m); }
  void operator()(const AskWards& m) const { about_mail(Type::ask_wards, m); }
  void operator()(const TellWards& m) const { about_mail(Type::tell_wards, m); }
  template <class Message>
  void about_mail(Type type, const Message& m) const {
    head(out, type, guardian_wire::kFields<Message>);
    guardian_wire::write(out, m);
  }
};

template <class Bytes>
bool read_bytes(msgpack::Reader& in, Bytes& out) {
  const auto bytes = in.bin();
  const auto value = bytes ? Bytes::from(bytes_of(*bytes)) : std::nullopt;
  if (value) out = *value;
  return value.has_value();
}

bool read_seconds(msgpack::Reader& in, std::int64_t& out) {
  const auto value = in.unsigned_int();
  if (!value || *value > INT64_MAX) return false;
  out = static_cast<std::int64_t>(*value);
  return true;
}

bool read_number(msgpack::Reader& in, std::uint64_t& out) {
  const auto value = in.unsigned_int();
  if (value) out = *value;
  return value.has_value();
}

template <class Items>
bool read_all(msgpack::Reader& in, Items& items, std::size_t most) {
  const auto count = in.array();
  if (!count || *count > most) return false;
  items.resize(*count);
  for (auto& item : items) {
    if (!read_bytes(in, item)) return false;
  }
  return true;
}

bool read_position(msgpack::Reader& in, std::optional<StreamPosition>& position) {
  if (in.nil()) return true;
  StreamPosition& at = position.emplace();
  return in.array() == 2 && read_number(in, at.incarnation) && read_number(in, at.seq);
}

bool read_news(msgpack::Reader& in, StreamNews& news) {
  if (in.array() != kNewsFields || !read_head(in, news.head) || !read_number(in, news.after)) return false;
  if (!read_all(in, news.ids, kMostNews) || !read_all(in, news.guardians, kMostGuardians)) return false;
  return news.after <= news.head.seq && news.ids.size() <= news.head.seq - news.after;
}

Result<Extension> read_acknowledge(msgpack::Reader& in, const Limits& limits) {
  Acknowledge m;
  if (!read_bytes(in, m.recipient)) return error(ErrorCode::bad_field, "an acknowledge needs the recipient's key");
  const auto count = in.array();
  if (!count) return error(ErrorCode::bad_field, "an acknowledge needs a list of ids");
  if (*count > limits.packet_events) return error(ErrorCode::too_large, "too many ids in an acknowledge");
  m.events.resize(*count);
  for (EventId& id : m.events) {
    if (!read_bytes(in, id)) return error(ErrorCode::bad_field, "an acknowledged id is not 32 bytes");
  }
  return Extension{std::move(m)};
}

template <class Message>
Result<Extension> read_about_mail(std::size_t count, std::size_t& known, msgpack::Reader& in, const Limits& limits) {
  Message m;
  known = guardian_wire::kFirstFields<Message>;
  if (count < known) return error(ErrorCode::bad_field, "fields are missing in a message about mail");
  if (auto why = guardian_wire::read(in, limits, m)) return *std::move(why);
  if (count >= guardian_wire::kFields<Message>) {
    known = guardian_wire::kFields<Message>;
    if (auto why = guardian_wire::read_later(in, limits, m)) return *std::move(why);
  }
  return Extension{std::move(m)};
}

// The fields that a type has; `count` of them were announced, what comes after those we know is a later version's.
Result<Extension> read_fields(std::uint64_t type, std::size_t count, std::size_t& known, msgpack::Reader& in,
                              const Limits& limits) {
  const auto lacking = [](const char* what) { return error(ErrorCode::bad_field, what); };
  switch (static_cast<Type>(type)) {
    case Type::follow: {
      Follow m;
      known = 2;
      if (count < known || !read_bytes(in, m.follower) || !read_seconds(in, m.since)) {
        return lacking("a follow needs the follower's key and a time");
      }
      // What an earlier version does not say.
      if (count >= 4) {
        known = 4;
        if (!read_position(in, m.position) || !read_all(in, m.guardians, kMostGuardians)) {
          return lacking("a follow with a bad position or bad guardians");
        }
      }
      if (count >= 5) {
        known = 5;
        if (!read_number(in, m.said)) return lacking("a follow without a number");
      }
      return Extension{m};
    }
    case Type::unfollow: {
      Unfollow m;
      known = 1;
      if (count < known || !read_bytes(in, m.follower)) return lacking("an unfollow needs the follower's key");
      if (count >= 2) {
        known = 2;
        if (!read_number(in, m.said)) return lacking("an unfollow without a number");
      }
      return Extension{m};
    }
    case Type::followed: {
      Followed m;
      known = 1;
      if (count < known || !read_bytes(in, m.followee)) return lacking("a followed needs the followee's key");
      if (count >= 2) {
        known = 2;
        if (!in.nil() && !read_news(in, m.news.emplace())) return lacking("a followed with bad news of a stream");
      }
      return Extension{m};
    }
    case Type::acknowledge:
      known = 2;
      if (count < known) return lacking("an acknowledge needs the recipient's key and a list of ids");
      return read_acknowledge(in, limits);
    case Type::announce: {
      Announce m;
      known = 1;
      if (count < known || !read_news(in, m.news)) return lacking("an announce needs news of a stream");
      return Extension{std::move(m)};
    }
    case Type::pull: {
      Pull m;
      known = 6;
      std::uint64_t ids_only = 0;
      if (count < known || !read_bytes(in, m.puller) || !read_bytes(in, m.author) || !read_number(in, m.incarnation) ||
          !read_number(in, m.after) || !read_number(in, m.until) || m.until < m.after || !read_number(in, ids_only)) {
        return lacking("a pull needs two keys and a range of numbers");
      }
      m.ids_only = ids_only != 0;
      return Extension{m};
    }
    case Type::guard:
      return read_about_mail<Guard>(count, known, in, limits);
    case Type::guarded:
      return read_about_mail<Guarded>(count, known, in, limits);
    case Type::mail:
      return read_about_mail<Mail>(count, known, in, limits);
    case Type::mailed:
      return read_about_mail<Mailed>(count, known, in, limits);
    case Type::collect:
      return read_about_mail<Collect>(count, known, in, limits);
    case Type::mail_index:
      return read_about_mail<MailIndex>(count, known, in, limits);
    case Type::mail_want:
      return read_about_mail<MailWant>(count, known, in, limits);
    case Type::mail_part:
      return read_about_mail<MailPart>(count, known, in, limits);
    case Type::mail_taken:
      return read_about_mail<MailTaken>(count, known, in, limits);
    case Type::ask_wards:
      return read_about_mail<AskWards>(count, known, in, limits);
    case Type::tell_wards:
      return read_about_mail<TellWards>(count, known, in, limits);
  }
  return error(ErrorCode::unknown_type, "extension message of type " + std::to_string(type));
}

}  // namespace

Frame encode_extension(const Extension& message) {
  std::string bytes;
  msgpack::Writer out(bytes);
  std::visit(Write{out}, message);
  return Frame(bytes_of(bytes));
}

Result<Extension> decode_extension(ByteView bytes, const Limits& limits) {
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "extension message over the frame limit");
  msgpack::Reader in(bytes, limits.msgpack_depth);
  const auto elements = in.array();
  if (!elements || *elements < 2) {
    return error(ErrorCode::malformed, "an extension message is an array of version, type and fields");
  }
  const auto version = in.unsigned_int();
  const auto type = in.unsigned_int();
  if (!version || !type || *type > UINT16_MAX) {
    return error(ErrorCode::malformed, "version or type of an extension message is not a number");
  }
  if (*version != kExtensionVersion) {
    return error(ErrorCode::wrong_version, "extension version " + std::to_string(*version));
  }
  const std::size_t count = *elements - 2;
  std::size_t known = 0;
  auto message = read_fields(*type, count, known, in, limits);
  if (!message) return message;
  for (std::size_t i = known; i < count; ++i) {
    if (!in.skip()) return error(ErrorCode::malformed, "an extension message is cut off");
  }
  if (!in.at_end()) return error(ErrorCode::malformed, "bytes after the extension message");
  return message;
}

}  // namespace np2p
