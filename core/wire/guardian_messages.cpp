#include "core/wire/guardian_messages.h"

#include <string>
#include <string_view>

namespace np2p {
namespace {

// Unsigned LEB128: seven bits a byte, the lowest first.
void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(0x80 | (value & 0x7f)));
  out.push_back(static_cast<char>(value));
}

template <class Int>
void append_number(std::string& out, Int value) {
  for (std::size_t i = sizeof(Int); i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Reads past the end, and numbers that do not fit, leave ok() false.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }
  std::uint64_t number(std::size_t width) noexcept {
    std::uint64_t value = 0;
    for (const char byte : take(width)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }
  std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(number(1));
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  PubKey key() noexcept {
    const auto found = PubKey::from(bytes_of(take(PubKey::size)));
    return found ? *found : PubKey{};
  }

 private:
  std::string_view take(std::size_t count) noexcept {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return {};
    }
    const std::string_view head = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return head;
  }
  std::string_view rest_;
  bool ok_ = true;
};

void append_span(std::string& out, std::uint64_t first, std::uint64_t last) {
  append_varint(out, first);
  append_varint(out, last - first);
}

bool read_span(Bytes& in, std::uint64_t& first, std::uint64_t& last) {
  first = in.varint();
  const std::uint64_t more = in.varint();
  last = first + more;
  return in.ok() && last >= first;
}

void write_ranges(msgpack::Writer& out, const std::vector<MailRange>& ranges) {
  std::string bytes;
  for (const MailRange& range : ranges) {
    append_number(bytes, range.author);
    append_number(bytes, range.incarnation);
    append_span(bytes, range.first, range.last);
  }
  out.bin(bytes);
}

std::optional<Error> read_ranges(msgpack::Reader& in, const Limits& limits, std::vector<MailRange>& ranges) {
  const auto bytes = in.bin();
  if (!bytes) return error(ErrorCode::bad_field, "ranges of mail are bytes");
  for (Bytes left(*bytes); left.left() > 0;) {
    if (ranges.size() >= limits.mail_ranges) return error(ErrorCode::too_large, "too many ranges of mail");
    MailRange& range = ranges.emplace_back();
    range.author = static_cast<std::uint32_t>(left.number(4));
    range.incarnation = left.number(8);
    if (!read_span(left, range.first, range.last)) return error(ErrorCode::bad_field, "a range of mail that is none");
  }
  return std::nullopt;
}

bool read_key(msgpack::Reader& in, PubKey& key) {
  const auto bytes = in.bin();
  const auto found = bytes ? PubKey::from(bytes_of(*bytes)) : std::nullopt;
  if (found) key = *found;
  return found.has_value();
}

bool read_number(msgpack::Reader& in, std::uint64_t& out, std::uint64_t most = UINT64_MAX) {
  const auto found = in.unsigned_int();
  if (found) out = *found;
  return found && *found <= most;
}

bool read_flag(msgpack::Reader& in, bool& out) {
  std::uint64_t value = 0;
  if (!read_number(in, value, 1)) return false;
  out = value == 1;
  return true;
}

bool read_channel(msgpack::Reader& in, std::uint8_t& out) {
  std::uint64_t value = 0;
  if (!read_number(in, value, UINT8_MAX)) return false;
  out = static_cast<std::uint8_t>(value);
  return true;
}

std::optional<Error> read_payload(msgpack::Reader& in, const Limits& limits, Frame& out) {
  const auto bytes = in.bin();
  if (!bytes || bytes->empty()) return error(ErrorCode::bad_field, "mail without anything in it");
  if (bytes->size() > limits.letter_bytes) return error(ErrorCode::too_large, "a letter over the limit");
  out = Frame(bytes_of(*bytes));
  return std::nullopt;
}

void write_keys(msgpack::Writer& out, const std::vector<PubKey>& keys) {
  std::string bytes;
  for (const PubKey& key : keys) bytes.append(text_of(key.view()));
  out.bin(bytes);
}

bool read_keys(msgpack::Reader& in, std::size_t most, std::vector<PubKey>& keys) {
  const auto bytes = in.bin();
  if (!bytes || bytes->size() % PubKey::size != 0 || bytes->size() / PubKey::size > most) return false;
  keys.reserve(bytes->size() / PubKey::size);
  for (Bytes left(*bytes); left.left() > 0;) keys.push_back(left.key());
  return true;
}

}  // namespace

std::uint32_t beginning_of(const PubKey& author) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | author.data[i];
  return value;
}

namespace guardian_wire {

void write(msgpack::Writer& out, const Guard& m) {
  out.bin(m.ward.view());
  out.uint16(m.on ? 1 : 0);
  out.bin(ByteView{m.record});
  out.bin(ByteView{m.filter});
}

std::optional<Error> read_later(msgpack::Reader& in, const Limits& limits, Guard& m) {
  const auto record = in.bin();
  const auto filter = record ? in.bin() : std::nullopt;
  if (!filter) return error(ErrorCode::bad_field, "a guard has a record and a filter, or empty ones");
  if (record->size() > limits.guardian_record_bytes || filter->size() > limits.follow_filter_bytes) {
    return error(ErrorCode::too_large, "a record or a filter over the limit");
  }
  m.record.assign(record->begin(), record->end());
  m.filter.assign(filter->begin(), filter->end());
  return std::nullopt;
}

std::optional<Error> read(msgpack::Reader& in, const Limits& /*limits*/, Guard& m) {
  if (read_key(in, m.ward) && read_flag(in, m.on)) return std::nullopt;
  return error(ErrorCode::bad_field, "a guard needs the ward's key and yes or no");
}

void write(msgpack::Writer& out, const Guarded& m) {
  out.bin(m.guardian.view());
  out.uint16(m.accepted ? 1 : 0);
  out.uint64(m.room);
  out.uint64(m.letters);
}

std::optional<Error> read(msgpack::Reader& in, const Limits& /*limits*/, Guarded& m) {
  if (read_key(in, m.guardian) && read_flag(in, m.accepted) && read_number(in, m.room) && read_number(in, m.letters)) {
    return std::nullopt;
  }
  return error(ErrorCode::bad_field, "a guarded needs the guardian's key, yes or no, and two numbers");
}

void write(msgpack::Writer& out, const Mail& m) {
  out.uint64(m.incarnation);
  out.uint64(m.seq);
  out.uint16(m.channel);
  write_keys(out, m.wards);
  out.bin(m.payload.view());
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Mail& m) {
  if (!read_number(in, m.incarnation) || !read_number(in, m.seq) || !read_channel(in, m.channel)) {
    return error(ErrorCode::bad_field, "mail needs its number and its channel");
  }
  if (!read_keys(in, limits.wards, m.wards) || m.wards.empty()) {
    return error(ErrorCode::bad_field, "mail is for some wards");
  }
  return read_payload(in, limits, m.payload);
}

void write(msgpack::Writer& out, const Mailed& m) {
  out.uint64(m.incarnation);
  out.uint64(m.seq);
  write_keys(out, m.kept);
  write_keys(out, m.refused);
  write_keys(out, m.here);
}

std::optional<Error> read_later(msgpack::Reader& in, const Limits& limits, Mailed& m) {
  if (read_keys(in, limits.wards, m.here)) return std::nullopt;
  return error(ErrorCode::bad_field, "a mailed with a bad list of who is there");
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, Mailed& m) {
  if (read_number(in, m.incarnation) && read_number(in, m.seq) && read_keys(in, limits.wards, m.kept) &&
      read_keys(in, limits.wards, m.refused)) {
    return std::nullopt;
  }
  return error(ErrorCode::bad_field, "a mailed needs the mail's number and two lists of keys");
}

void write(msgpack::Writer& out, const AskWards& m) {
  write_keys(out, m.wards);
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, AskWards& m) {
  if (read_keys(in, limits.wards, m.wards) && !m.wards.empty()) return std::nullopt;
  return error(ErrorCode::bad_field, "a question for wards names some");
}

void write(msgpack::Writer& out, const TellWards& m) {
  write_keys(out, m.agreed);
  write_keys(out, m.refused);
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, TellWards& m) {
  if (read_keys(in, limits.wards, m.agreed) && read_keys(in, limits.wards, m.refused)) return std::nullopt;
  return error(ErrorCode::bad_field, "an answer about wards needs two lists of keys");
}

void write(msgpack::Writer& out, const Collect& m) {
  out.bin(m.ward.view());
}

std::optional<Error> read(msgpack::Reader& in, const Limits& /*limits*/, Collect& m) {
  if (read_key(in, m.ward)) return std::nullopt;
  return error(ErrorCode::bad_field, "a collect needs the ward's key");
}

void write(msgpack::Writer& out, const MailIndex& m) {
  write_ranges(out, m.ranges);
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailIndex& m) {
  return read_ranges(in, limits, m.ranges);
}

void write(msgpack::Writer& out, const MailWant& m) {
  write_ranges(out, m.ranges);
  out.uint16(m.joined ? 1 : 0);
}

std::optional<Error> read_later(msgpack::Reader& in, const Limits& /*limits*/, MailWant& m) {
  if (read_flag(in, m.joined)) return std::nullopt;
  return error(ErrorCode::bad_field, "a mail want says yes or no");
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailWant& m) {
  return read_ranges(in, limits, m.ranges);
}

void write(msgpack::Writer& out, const MailPart& m) {
  out.uint16(m.last ? 1 : 0);
  std::string streams;
  for (const MailStream& stream : m.streams) {
    streams.append(text_of(stream.author.view()));
    append_number(streams, stream.incarnation);
  }
  out.bin(streams);
  out.array(4 * m.letters.size());
  for (const Letter& letter : m.letters) {
    out.uint16(static_cast<std::uint16_t>(letter.stream));
    out.uint64(letter.seq);
    out.uint16(letter.channel);
    out.bin(letter.payload.view());
  }
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailPart& m) {
  const auto bad = [](const char* why) { return error(ErrorCode::bad_field, why); };
  if (!read_flag(in, m.last)) return bad("a part of mail says if it is the last");
  const auto bytes = in.bin();
  if (!bytes) return bad("a part of mail names streams");
  for (Bytes left(*bytes); left.left() > 0;) {
    if (m.streams.size() >= limits.mail_part_letters) return error(ErrorCode::too_large, "too many streams in a part");
    MailStream& stream = m.streams.emplace_back();
    stream.author = left.key();
    stream.incarnation = left.number(8);
    if (!left.ok()) return bad("a stream that is none");
  }
  const auto count = in.array();
  if (!count || *count % 4 != 0) return bad("a part of mail has letters");
  if (*count / 4 > limits.mail_part_letters) return error(ErrorCode::too_large, "too many letters in a part");
  m.letters.resize(*count / 4);
  for (Letter& letter : m.letters) {
    if (!read_number(in, letter.stream) || letter.stream >= m.streams.size()) return bad("a letter of no stream");
    if (!read_number(in, letter.seq) || !read_channel(in, letter.channel)) return bad("a letter without a number");
    if (auto why = read_payload(in, limits, letter.payload)) return why;
  }
  return std::nullopt;
}

void write(msgpack::Writer& out, const MailTaken& m) {
  std::string bytes;
  for (const MailSpan& span : m.spans) {
    bytes.append(text_of(span.stream.author.view()));
    append_number(bytes, span.stream.incarnation);
    append_span(bytes, span.first, span.last);
  }
  out.bin(bytes);
}

std::optional<Error> read(msgpack::Reader& in, const Limits& limits, MailTaken& m) {
  const auto bytes = in.bin();
  if (!bytes) return error(ErrorCode::bad_field, "spans of mail are bytes");
  for (Bytes left(*bytes); left.left() > 0;) {
    if (m.spans.size() >= limits.mail_ranges) return error(ErrorCode::too_large, "too many spans of mail");
    MailSpan& span = m.spans.emplace_back();
    span.stream.author = left.key();
    span.stream.incarnation = left.number(8);
    if (!read_span(left, span.first, span.last)) return error(ErrorCode::bad_field, "a span of mail that is none");
  }
  return std::nullopt;
}

}  // namespace guardian_wire
}  // namespace np2p
