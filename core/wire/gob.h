// The part of Go's gob encoding that weaveworks/mesh speaks: a stream of length-prefixed messages, each a type
// definition (negative type id) or a value (positive id). Integers are one byte below 128, else a negated byte count
// and big-endian bytes; a struct is a list of (field delta, value) that leaves out zero fields and ends with 0.
//
// Reading is strict: what Go's encoder never writes (integers longer than needed, zero fields, trailing bytes) is
// refused, so everything that is accepted re-encodes to the same bytes. A Reader that failed stays failed and gives
// zeros; it never allocates and never reads beyond its view.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.h"

namespace np2p::gob {

// Type ids that every gob stream knows; defined types start at 64.
inline constexpr std::int64_t kBool = 1;
inline constexpr std::int64_t kUint = 3;
inline constexpr std::int64_t kBytes = 5;
inline constexpr std::int64_t kString = 6;
inline constexpr std::int64_t kFirstDefined = 64;

class Reader {
 public:
  explicit Reader(ByteView view) noexcept : at_(view.data()), end_(view.data() + view.size()) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
  [[nodiscard]] bool finished() const noexcept { return ok_ && at_ == end_; }
  [[nodiscard]] ByteView rest() const noexcept { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  std::uint64_t uint() noexcept {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return long_uint();
  }
  std::int64_t integer() noexcept {
    const std::uint64_t raw = uint();
    const std::uint64_t value = raw >> 1;
    return static_cast<std::int64_t>((raw & 1) != 0 ? ~value : value);
  }
  // True only for 1: a false field is left out, a false value at the top level does not occur here.
  bool true_field() noexcept { return uint() == 1 || fail(); }
  ByteView bytes(std::size_t limit) noexcept {
    const std::uint64_t size = uint();
    if (size > limit || size > rest().size()) {
      fail();
      return {};
    }
    const ByteView view{at_, static_cast<std::size_t>(size)};
    at_ += size;
    return view;
  }
  std::string_view text(std::size_t limit) noexcept { return text_of(bytes(limit)); }
  // The next message of the stream, without its length.
  Reader message() noexcept {
    const ByteView body = bytes(rest().size());
    Reader inner(body);
    if (!ok_ || body.empty()) {
      fail();
      inner.fail();
    }
    return inner;
  }
  // Goes over `prefix` if the stream continues with it.
  bool skip(ByteView prefix) noexcept {
    if (rest().size() < prefix.size() || std::memcmp(at_, prefix.data(), prefix.size()) != 0) return false;
    at_ += prefix.size();
    return true;
  }
  bool fail() noexcept {
    ok_ = false;
    at_ = end_;
    return false;
  }

 private:
  std::uint64_t long_uint() noexcept;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

// Walks the fields of one struct: next() gives 1, 2, ... in ascending order, 0 at the end or on failure.
class Fields {
 public:
  Fields(Reader& reader, unsigned count) noexcept : reader_(reader), count_(count) {}
  unsigned next() noexcept {
    const std::uint64_t delta = reader_.uint();
    if (delta == 0) return 0;
    if (delta > count_ - field_) {
      reader_.fail();
      return 0;
    }
    field_ += static_cast<unsigned>(delta);
    return field_;
  }

 private:
  Reader& reader_;
  unsigned count_;
  unsigned field_ = 0;
};

std::size_t uint_size(std::uint64_t value) noexcept;
void append_uint(ByteVec& out, std::uint64_t value);
void append_int(ByteVec& out, std::int64_t value);
void append_bytes(ByteVec& out, ByteView bytes);  // length and bytes
// One message: the length of `body` and `body`.
void append_message(ByteVec& out, ByteView body);

// Values at the top level of a stream, each a message of its own.
void append_string_value(ByteVec& out, std::string_view value);
void append_uint_value(ByteVec& out, std::uint64_t value);
void append_bytes_value(ByteVec& out, ByteView value);
std::string_view read_string_value(Reader& stream, std::size_t limit) noexcept;
std::uint64_t read_uint_value(Reader& stream) noexcept;
ByteView read_bytes_value(Reader& stream, std::size_t limit) noexcept;

// The definition of a struct, slice or map; other kinds are not part of the subset.
struct TypeDefinition {
  enum class Kind : std::uint8_t { slice, structure, map };
  struct Field {
    std::string_view name;
    std::int64_t type = 0;
    friend bool operator==(const Field&, const Field&) = default;
  };
  static constexpr std::size_t kMaxFields = 16;

  Kind kind = Kind::structure;
  std::int64_t id = 0;
  std::string_view name{};  // empty for slices and maps
  std::array<Field, kMaxFields> fields{};
  std::size_t field_count = 0;  // structure
  std::int64_t key = 0;         // map
  std::int64_t element = 0;     // map and slice
};

void append_definition(ByteVec& out, const TypeDefinition& type);
// `message` stands behind the (negative) id, which is given as `id` > 0.
std::optional<TypeDefinition> read_definition(Reader& message, std::int64_t id) noexcept;

}  // namespace np2p::gob
