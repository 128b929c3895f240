#include "core/wire/msgpack.h"

#include "core/base/assert.h"

namespace np2p::msgpack {

void Writer::header(std::size_t count, std::uint8_t short_mark, std::size_t short_end, std::uint8_t mark8,
                    std::uint8_t mark16) {
  NP2P_ASSERT(count <= UINT32_MAX);
  if (count < short_end) {
    byte(static_cast<std::uint8_t>(short_mark | count));
  } else if (mark8 != 0 && count <= UINT8_MAX) {
    fixed(mark8, static_cast<std::uint8_t>(count));
  } else if (count <= UINT16_MAX) {
    fixed(mark16, static_cast<std::uint16_t>(count));
  } else {
    fixed(static_cast<std::uint8_t>(mark16 + 1), static_cast<std::uint32_t>(count));
  }
}

bool Reader::nil() noexcept {
  if (peek() != 0xc0) {
    if (at_ == end_) broken_ = true;
    return false;
  }
  ++at_;
  return true;
}

// The mark stands at at_; behind it `width` bytes of big-endian integer.
bool Reader::take_big_endian(std::size_t width, std::uint64_t& value) noexcept {
  if (remaining() < 1 + width) {
    broken_ = true;
    return false;
  }
  value = 0;
  for (std::size_t i = 1; i <= width; ++i) value = value << 8 | at_[i];
  at_ += 1 + width;
  return true;
}

std::optional<std::size_t> Reader::length(std::size_t width, std::size_t least_bytes_each) noexcept {
  std::uint64_t count = 0;
  if (!take_big_endian(width, count)) return std::nullopt;
  if (count > remaining() / least_bytes_each) return broke();
  return static_cast<std::size_t>(count);
}

std::optional<std::string_view> Reader::bytes(std::size_t width) noexcept {
  const auto size = length(width, 1);
  if (!size) return std::nullopt;
  const std::string_view view = text_of({at_, *size});
  at_ += *size;
  return view;
}

std::optional<std::size_t> Reader::array() noexcept {
  const std::uint8_t mark = peek();
  if ((mark & 0xf0) == 0x90) {
    ++at_;
    const std::size_t count = mark & 15u;
    return count <= remaining() ? std::optional(count) : broke();
  }
  if (mark == 0xdc) return length(2, 1);
  if (mark == 0xdd) return length(4, 1);
  return at_ == end_ ? broke() : std::nullopt;
}

std::optional<std::size_t> Reader::map() noexcept {
  const std::uint8_t mark = peek();
  if ((mark & 0xf0) == 0x80) {
    ++at_;
    const std::size_t count = mark & 15u;
    return count <= remaining() / 2 ? std::optional(count) : broke();
  }
  if (mark == 0xde) return length(2, 2);
  if (mark == 0xdf) return length(4, 2);
  return at_ == end_ ? broke() : std::nullopt;
}

std::optional<std::string_view> Reader::str() noexcept {
  const std::uint8_t mark = peek();
  if ((mark & 0xe0) == 0xa0) {
    const std::size_t size = mark & 31u;
    if (remaining() - 1 < size) {
      broken_ = true;
      return std::nullopt;
    }
    const std::string_view view = text_of({at_ + 1, size});
    at_ += 1 + size;
    return view;
  }
  if (mark == 0xd9) return bytes(1);
  if (mark == 0xda) return bytes(2);
  if (mark == 0xdb) return bytes(4);
  if (at_ == end_) broken_ = true;
  return std::nullopt;
}

std::optional<std::string_view> Reader::bin() noexcept {
  const std::uint8_t mark = peek();
  if (mark == 0xc4) return bytes(1);
  if (mark == 0xc5) return bytes(2);
  if (mark == 0xc6) return bytes(4);
  if (at_ == end_) broken_ = true;
  return std::nullopt;
}

std::optional<std::string_view> Reader::str_or_bin() noexcept {
  const auto found = bin();
  return found || broken_ ? found : str();
}

std::optional<std::uint64_t> Reader::unsigned_int() noexcept {
  const std::uint8_t mark = peek();
  if (mark < 0x80) {
    ++at_;
    return mark;
  }
  const bool plain = mark >= 0xcc && mark <= 0xcf;
  const bool with_sign = mark >= 0xd0 && mark <= 0xd3;
  if (!plain && !with_sign) {
    if (at_ == end_) broken_ = true;
    return std::nullopt;
  }
  const std::size_t width = std::size_t{1} << (mark & 3);
  if (with_sign && remaining() > 1 && (at_[1] & 0x80) != 0) return std::nullopt;  // negative
  std::uint64_t value = 0;
  if (!take_big_endian(width, value)) return std::nullopt;
  return value;
}

std::optional<double> Reader::number() noexcept {
  const std::uint8_t mark = peek();
  std::uint64_t bits = 0;
  if (mark == 0xcb) {
    if (!take_big_endian(8, bits)) return std::nullopt;
    return std::bit_cast<double>(bits);
  }
  if (mark == 0xca) {
    if (!take_big_endian(4, bits)) return std::nullopt;
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  const auto integer = unsigned_int();
  if (!integer) return std::nullopt;
  return static_cast<double>(*integer);
}

bool Reader::skip() noexcept {
  if (!broken_ && !skip_value(0)) broken_ = true;
  return !broken_;
}

bool Reader::skip_bytes(std::size_t count) noexcept {
  if (remaining() < count) return false;
  at_ += count;
  return true;
}

bool Reader::skip_value(std::size_t depth) noexcept {
  if (depth > max_depth_ || at_ == end_) return false;
  const std::uint8_t mark = *at_;
  std::size_t inside = 0;
  if (const auto elements = array()) {
    inside = *elements;
  } else if (const auto pairs = map()) {
    inside = 2 * *pairs;
  } else if (str_or_bin()) {
    return true;
  } else if (broken_) {
    return false;
  } else if (mark < 0x80 || mark >= 0xe0 || mark == 0xc0 || mark == 0xc2 || mark == 0xc3) {
    return skip_bytes(1);
  } else if (mark == 0xca || mark == 0xcb) {
    return skip_bytes(mark == 0xca ? 5 : 9);
  } else if (mark >= 0xcc && mark <= 0xd3) {
    return skip_bytes(1 + (std::size_t{1} << (mark & 3)));
  } else if (mark >= 0xd4 && mark <= 0xd8) {  // extension types of 1, 2, 4, 8, 16 bytes
    return skip_bytes(2 + (std::size_t{1} << (mark - 0xd4)));
  } else if (mark >= 0xc7 && mark <= 0xc9) {  // extension types with a length: its bytes, and one of type
    const auto size = length(std::size_t{1} << (mark - 0xc7), 1);
    return size && skip_bytes(1 + *size);
  } else {
    return false;
  }
  for (std::size_t i = 0; i < inside; ++i) {
    if (!skip_value(depth + 1)) return false;
  }
  return true;
}

}  // namespace np2p::msgpack
