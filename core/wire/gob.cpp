#include "core/wire/gob.h"

namespace np2p::gob {
namespace {

constexpr std::size_t kMaxTypeName = 64;

// Field numbers of Go's wireType and of the structs inside it.
constexpr unsigned kWireTypeFields = 7;
constexpr unsigned kSliceType = 2;
constexpr unsigned kStructType = 3;
constexpr unsigned kMapType = 4;

void append_common(ByteVec& out, std::string_view name, std::int64_t id) {
  append_uint(out, 1);  // CommonType, the first field of all of them
  if (!name.empty()) {
    append_uint(out, 1);
    append_bytes(out, bytes_of(name));
    append_uint(out, 1);
  } else {
    append_uint(out, 2);
  }
  append_int(out, id);
  append_uint(out, 0);
}

// {Name string; Id int}, the shape of CommonType and of each field of a struct.
void read_named(Reader& in, std::string_view& name, std::int64_t& id) noexcept {
  Fields fields(in, 2);
  while (const unsigned field = fields.next()) {
    if (field == 1) {
      name = in.text(kMaxTypeName);
      if (name.empty()) in.fail();
    } else {
      id = in.integer();
    }
  }
  if (id <= 0) in.fail();
}

void read_fields(Reader& in, TypeDefinition& type) noexcept {
  const std::uint64_t count = in.uint();
  if (count == 0 || count > TypeDefinition::kMaxFields) {
    in.fail();
    return;
  }
  type.field_count = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < type.field_count && in.ok(); ++i) {
    read_named(in, type.fields[i].name, type.fields[i].type);
    if (type.fields[i].name.empty()) in.fail();
  }
}

Reader value_of(Reader& stream, std::int64_t type) noexcept {
  Reader message = stream.message();
  if (message.integer() != type || message.uint() != 0) message.fail();
  return message;
}

void close(Reader& stream, const Reader& message) noexcept {
  if (!message.finished()) stream.fail();
}

}  // namespace

std::uint64_t Reader::long_uint() noexcept {
  if (at_ == end_) {
    fail();
    return 0;
  }
  const std::size_t size = 256u - *at_++;
  if (size > 8 || size > rest().size() || *at_ == 0) {
    fail();
    return 0;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | *at_++;
  if (value < 0x80) {
    fail();
    return 0;
  }
  return value;
}

std::size_t uint_size(std::uint64_t value) noexcept {
  return value < 0x80 ? 1 : 1 + (static_cast<std::size_t>(std::bit_width(value)) + 7) / 8;
}

void append_uint(ByteVec& out, std::uint64_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<std::uint8_t>(value));
    return;
  }
  std::size_t size = uint_size(value) - 1;
  out.push_back(static_cast<std::uint8_t>(256 - size));
  while (size-- > 0) out.push_back(static_cast<std::uint8_t>(value >> (8 * size)));
}

void append_int(ByteVec& out, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  append_uint(out, value < 0 ? ~bits << 1 | 1 : bits << 1);
}

void append_bytes(ByteVec& out, ByteView bytes) {
  append_uint(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_message(ByteVec& out, ByteView body) {
  append_bytes(out, body);
}

void append_string_value(ByteVec& out, std::string_view value) {
  append_uint(out, 2 + uint_size(value.size()) + value.size());
  append_int(out, kString);
  append_uint(out, 0);
  append_bytes(out, bytes_of(value));
}

void append_uint_value(ByteVec& out, std::uint64_t value) {
  append_uint(out, 2 + uint_size(value));
  append_int(out, kUint);
  append_uint(out, 0);
  append_uint(out, value);
}

void append_bytes_value(ByteVec& out, ByteView value) {
  append_uint(out, 2 + uint_size(value.size()) + value.size());
  append_int(out, kBytes);
  append_uint(out, 0);
  append_bytes(out, value);
}

std::string_view read_string_value(Reader& stream, std::size_t limit) noexcept {
  Reader message = value_of(stream, kString);
  const std::string_view value = message.text(limit);
  close(stream, message);
  return value;
}

std::uint64_t read_uint_value(Reader& stream) noexcept {
  Reader message = value_of(stream, kUint);
  const std::uint64_t value = message.uint();
  close(stream, message);
  return value;
}

ByteView read_bytes_value(Reader& stream, std::size_t limit) noexcept {
  Reader message = value_of(stream, kBytes);
  const ByteView value = message.bytes(limit);
  close(stream, message);
  return value;
}

void append_definition(ByteVec& out, const TypeDefinition& type) {
  ByteVec body;
  append_int(body, -type.id);
  switch (type.kind) {
    case TypeDefinition::Kind::slice:
      append_uint(body, kSliceType);
      append_common(body, type.name, type.id);
      append_uint(body, 1);
      append_int(body, type.element);
      break;
    case TypeDefinition::Kind::structure:
      append_uint(body, kStructType);
      append_common(body, type.name, type.id);
      append_uint(body, 1);
      append_uint(body, type.field_count);
      for (std::size_t i = 0; i < type.field_count; ++i) {
        append_uint(body, 1);
        append_bytes(body, bytes_of(type.fields[i].name));
        append_uint(body, 1);
        append_int(body, type.fields[i].type);
        append_uint(body, 0);
      }
      break;
    case TypeDefinition::Kind::map:
      append_uint(body, kMapType);
      append_common(body, type.name, type.id);
      append_uint(body, 1);
      append_int(body, type.key);
      append_uint(body, 1);
      append_int(body, type.element);
      break;
  }
  append_uint(body, 0);  // of the slice, struct or map type
  append_uint(body, 0);  // of wireType
  append_message(out, body);
}

std::optional<TypeDefinition> read_definition(Reader& in, std::int64_t id) noexcept {
  TypeDefinition type;
  type.id = id;
  Fields outer(in, kWireTypeFields);
  const unsigned kind = outer.next();
  if (kind != kSliceType && kind != kStructType && kind != kMapType) return std::nullopt;
  type.kind = kind == kSliceType    ? TypeDefinition::Kind::slice
              : kind == kStructType ? TypeDefinition::Kind::structure
                                    : TypeDefinition::Kind::map;
  std::int64_t said = 0;
  Fields inner(in, kind == kMapType ? 3 : 2);
  while (const unsigned field = inner.next()) {
    if (field == 1) {
      read_named(in, type.name, said);
    } else if (kind == kStructType) {
      read_fields(in, type);
    } else if (kind == kMapType && field == 2) {
      type.key = in.integer();
    } else {
      type.element = in.integer();
    }
  }
  if (outer.next() != 0 || !in.finished() || said != id) return std::nullopt;
  return type;
}

}  // namespace np2p::gob
