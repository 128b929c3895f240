#include "core/store/event_row.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/hash.h"
#include "core/event/validation.h"

namespace np2p {

namespace {

constexpr std::size_t kChecksumBytes = 8;

void put_number(ByteVec& out, std::uint64_t value) {  // seven bits a byte, the lowest first
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint64_t signature_checksum(const Event& event) {
  return hash_bytes(event.sig.view(), static_cast<std::uint64_t>(sortable_head(event.id.view())));
}

std::uint64_t text_checksum(const Event& event, ByteView text) {
  return hash_bytes(text, static_cast<std::uint64_t>(sortable_head(event.id.view())));
}

void put_checksum(ByteVec& out, std::uint64_t checksum) {
  for (unsigned shift = 0; shift < 64; shift += 8) out.push_back(static_cast<std::uint8_t>(checksum >> shift));
}

std::uint64_t checksum_of(ByteView bytes) {
  std::uint64_t checksum = 0;
  unsigned shift = 0;
  for (const std::uint8_t byte : bytes) {
    checksum |= static_cast<std::uint64_t>(byte) << shift;
    shift += 8;
  }
  return checksum;
}

class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  // A number of at most `max`; anything wrong makes the reader bad, and it stays so.
  std::size_t number(std::size_t max) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      if (at_ >= bytes_.size()) break;
      const std::uint8_t byte = bytes_[at_++];
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value <= max ? static_cast<std::size_t>(value) : fail();
    }
    return fail();
  }
  ByteView take(std::size_t size) {
    if (size > left()) {
      fail();
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  std::size_t fail() {
    good_ = false;
    at_ = bytes_.size();
    return 0;
  }
  ByteView bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace

ByteVec encode_body(const Event& event) {
  ByteVec body;
  body.reserve(kChecksumBytes + Signature::size + 4 + event.tags.bytes() + 4 * event.tags.size() +
               event.content.size());
  put_checksum(body, signature_checksum(event));
  body.insert(body.end(), event.sig.data.begin(), event.sig.data.end());
  put_number(body, event.tags.size());
  for (std::size_t t = 0; t < event.tags.size(); ++t) {
    const auto tag = event.tags[t];
    put_number(body, tag.size());
    for (std::size_t v = 0; v < tag.size(); ++v) {
      put_number(body, tag[v].size());
      const ByteView value = bytes_of(tag[v]);
      body.insert(body.end(), value.begin(), value.end());
    }
  }
  const ByteView content = bytes_of(event.content);
  body.insert(body.end(), content.begin(), content.end());
  return body;
}

ByteVec encode_written(const EventPtr& event) {
  ByteVec out;
  const ByteView text = bytes_of(event.written());
  if (text.empty()) return out;
  out.reserve(kChecksumBytes + text.size());
  put_checksum(out, text_checksum(event.get(), text));
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

EventPtr decode_row(Event head, ByteView body, ByteView written) {
  Reader reader(body);
  const std::uint64_t checksum = checksum_of(reader.take(kChecksumBytes));
  const auto sig = Signature::from(reader.take(Signature::size));
  if (!sig) return {};
  head.sig = *sig;
  const std::size_t tags = reader.number(body.size());
  for (std::size_t t = 0; t < tags && reader.good(); ++t) {
    head.tags.begin_tag();
    const std::size_t values = reader.number(body.size());
    for (std::size_t v = 0; v < values && reader.good(); ++v) {
      head.tags.add_value(text_of(reader.take(reader.number(body.size()))));
    }
  }
  if (!reader.good() || checksum != signature_checksum(head)) return {};
  head.content = text_of(reader.take(reader.left()));
  const ByteView text = written.size() > kChecksumBytes ? written.subspan(kChecksumBytes) : ByteView{};
  const bool whole = !text.empty() && checksum_of(written.first(kChecksumBytes)) == text_checksum(head, text);
  auto event = ValidationGate::trusted(std::move(head), whole ? text_of(text) : std::string_view{});
  return event.ok() ? std::move(event).value() : EventPtr();
}

std::int64_t sortable_head(ByteView bytes) noexcept {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) head = head << 8 | bytes[i];
  return static_cast<std::int64_t>(head ^ (std::uint64_t{1} << 63));
}

std::int64_t tag_key(char letter, std::string_view value) noexcept {
  return static_cast<std::int64_t>(hash_bytes(bytes_of(value), static_cast<std::uint8_t>(letter)));
}

std::vector<std::int64_t> tag_keys(const Event& event) {
  std::vector<std::int64_t> keys;
  for (std::size_t t = 0; t < event.tags.size(); ++t) {
    const auto tag = event.tags[t];
    if (tag.size() >= 2 && tag.name().size() == 1) keys.push_back(tag_key(tag.name()[0], tag.first()));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace np2p
