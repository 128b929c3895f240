// MessagePack, the part of it that our formats use: a writer with the exact widths that the original writes (general
// libraries pick the shortest form of a number, which would be other bytes), and a reader that allocates nothing,
// bounds nesting and refuses a length that the remaining bytes cannot hold before anybody believes it.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace np2p::msgpack {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void nil() { byte(0xc0); }
  void map(std::size_t pairs) { header(pairs, 0x80, 16, 0, 0xde); }
  void array(std::size_t elements) { header(elements, 0x90, 16, 0, 0xdc); }
  void str(std::string_view text) {
    header(text.size(), 0xa0, 32, 0xd9, 0xda);
    out_.append(text);
  }
  void bin(std::string_view bytes) {
    header(bytes.size(), 0, 0, 0xc4, 0xc5);
    out_.append(bytes);
  }
  void bin(ByteView bytes) { bin(text_of(bytes)); }
  void uint16(std::uint16_t value) { fixed(0xcd, value); }
  void uint64(std::uint64_t value) { fixed(0xcf, value); }
  void uint(std::uint64_t value) {  // the shortest form, for what only our own servers read
    if (value < 0x80) {
      byte(static_cast<std::uint8_t>(value));
    } else if (value <= UINT16_MAX) {
      uint16(static_cast<std::uint16_t>(value));
    } else if (value <= UINT32_MAX) {
      fixed(0xce, static_cast<std::uint32_t>(value));
    } else {
      uint64(value);
    }
  }
  void float64(double value) { fixed(0xcb, std::bit_cast<std::uint64_t>(value)); }

 private:
  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  template <class Int>
  void big_endian(Int value) {
    char bytes[sizeof(Int)];
    for (std::size_t i = 0; i < sizeof(Int); ++i) bytes[i] = static_cast<char>(value >> (8 * (sizeof(Int) - 1 - i)));
    out_.append(bytes, sizeof bytes);
  }
  template <class Int>
  void fixed(std::uint8_t mark, Int value) {
    byte(mark);
    big_endian(value);
  }
  // The shortest header: the count inside the mark if it is below `short_end`, else 8 bits (if the type has such a
  // form, mark8 != 0), 16 bits after mark16, or 32 bits after the mark that follows it.
  void header(std::size_t count, std::uint8_t short_mark, std::size_t short_end, std::uint8_t mark8,
              std::uint8_t mark16);

  std::string& out_;
};

// Every read function consumes one value if it is of the type asked for and returns nothing otherwise. broken() then
// tells the two reasons apart: bytes that are no MessagePack (cut off, a length beyond the end, nested too deeply), or
// just another type.
class Reader {
 public:
  Reader(ByteView bytes, std::size_t max_depth) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), max_depth_(max_depth) {}

  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  bool nil() noexcept;  // true if it was one
  std::optional<std::size_t> array() noexcept;
  std::optional<std::size_t> map() noexcept;
  std::optional<std::string_view> str() noexcept;
  std::optional<std::string_view> bin() noexcept;
  std::optional<std::string_view> str_or_bin() noexcept;
  std::optional<std::uint64_t> unsigned_int() noexcept;  // of any width; a signed form if it is not negative
  std::optional<double> number() noexcept;               // a float or an integer of any width
  bool skip() noexcept;                                  // any one value; false if broken

 private:
  std::optional<std::size_t> broke() noexcept {
    broken_ = true;
    return std::nullopt;
  }
  [[nodiscard]] std::uint8_t peek() const noexcept { return at_ == end_ ? 0xc1 : *at_; }  // 0xc1 is no type
  bool take_big_endian(std::size_t width, std::uint64_t& value) noexcept;
  std::optional<std::size_t> length(std::size_t width, std::size_t least_bytes_each) noexcept;
  std::optional<std::string_view> bytes(std::size_t width) noexcept;
  bool skip_value(std::size_t depth) noexcept;
  bool skip_bytes(std::size_t count) noexcept;

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::size_t max_depth_;
  bool broken_ = false;
};

}  // namespace np2p::msgpack
