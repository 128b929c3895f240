#include "core/wire/extension.h"

#include <msgpack.hpp>
#include <string>
#include <type_traits>

namespace np2p {
namespace {

enum class Type : std::uint8_t { follow = 1, unfollow = 2, followed = 3, acknowledge = 4 };

using Packer = msgpack::packer<msgpack::sbuffer>;

template <class Bytes>
void pack_bytes(Packer& packer, const Bytes& bytes) {
  packer.pack_bin(Bytes::size);
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data.data()), Bytes::size);
}

void pack_head(Packer& packer, Type type, std::uint32_t fields) {
  packer.pack_array(2 + fields);
  packer.pack_uint8(kExtensionVersion);
  packer.pack_uint8(static_cast<std::uint8_t>(type));
}

struct Pack {
  Packer& packer;
  void operator()(const Follow& m) const {
    pack_head(packer, Type::follow, 2);
    pack_bytes(packer, m.follower);
    packer.pack_int64(m.since);
  }
  void operator()(const Unfollow& m) const {
    pack_head(packer, Type::unfollow, 1);
    pack_bytes(packer, m.follower);
  }
  void operator()(const Followed& m) const {
    pack_head(packer, Type::followed, 1);
    pack_bytes(packer, m.followee);
  }
  void operator()(const Acknowledge& m) const {
    pack_head(packer, Type::acknowledge, 2);
    pack_bytes(packer, m.recipient);
    packer.pack_array(static_cast<std::uint32_t>(m.events.size()));
    for (const auto& id : m.events) pack_bytes(packer, id);
  }
};

template <class Bytes>
bool read_bytes(const msgpack::object& object, Bytes& out) {
  if (object.type != msgpack::type::BIN || object.via.bin.size != Bytes::size) return false;
  const auto bytes = Bytes::from(bytes_of({object.via.bin.ptr, object.via.bin.size}));
  out = *bytes;
  return true;
}

bool read_seconds(const msgpack::object& object, std::int64_t& out) {
  if (object.type != msgpack::type::POSITIVE_INTEGER || object.via.u64 > INT64_MAX) return false;
  out = static_cast<std::int64_t>(object.via.u64);
  return true;
}

Result<Extension> read_body(std::uint64_t type, const msgpack::object_array& fields, const Limits& limits) {
  const auto refuse = [](const char* why) { return error(ErrorCode::bad_field, why); };
  const msgpack::object* field = fields.ptr + 2;
  const std::uint32_t count = fields.size - 2;
  switch (static_cast<Type>(type)) {
    case Type::follow: {
      Follow m;
      if (count < 2 || !read_bytes(field[0], m.follower) || !read_seconds(field[1], m.since)) {
        return refuse("a follow needs the follower's key and a time");
      }
      return Extension{m};
    }
    case Type::unfollow: {
      Unfollow m;
      if (count < 1 || !read_bytes(field[0], m.follower)) return refuse("an unfollow needs the follower's key");
      return Extension{m};
    }
    case Type::followed: {
      Followed m;
      if (count < 1 || !read_bytes(field[0], m.followee)) return refuse("a followed needs the followee's key");
      return Extension{m};
    }
    case Type::acknowledge: {
      Acknowledge m;
      if (count < 2 || !read_bytes(field[0], m.recipient) || field[1].type != msgpack::type::ARRAY) {
        return refuse("an acknowledge needs the recipient's key and a list of ids");
      }
      const auto& ids = field[1].via.array;
      if (ids.size > limits.packet_events) return error(ErrorCode::too_large, "too many ids in an acknowledge");
      m.events.resize(ids.size);
      for (std::uint32_t i = 0; i < ids.size; ++i) {
        if (!read_bytes(ids.ptr[i], m.events[i])) return refuse("an acknowledged id is not 32 bytes");
      }
      return Extension{std::move(m)};
    }
  }
  return error(ErrorCode::unknown_type, "extension message of type " + std::to_string(type));
}

}  // namespace

Frame encode_extension(const Extension& message) {
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  std::visit(Pack{packer}, message);
  return Frame(bytes_of({buffer.data(), buffer.size()}));
}

Result<Extension> decode_extension(ByteView bytes, const Limits& limits) {
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "extension message over the frame limit");
  const std::string_view text = text_of(bytes);
  const msgpack::unpack_limit bound(limits.packet_events, 0, 64, 64, 0, limits.msgpack_depth);
  msgpack::object_handle handle;
  std::size_t offset = 0;
  // msgpack-cxx reports refusals by exception; here they become Results, so nothing of it leaves this function.
  try {
    handle = msgpack::unpack(text.data(), text.size(), offset, nullptr, nullptr, bound);
  } catch (const msgpack::unpack_error& why) {
    return error(ErrorCode::malformed, std::string("extension message: ") + why.what());
  }
  const msgpack::object& object = handle.get();
  if (offset != text.size()) return error(ErrorCode::malformed, "bytes after the extension message");
  if (object.type != msgpack::type::ARRAY || object.via.array.size < 2) {
    return error(ErrorCode::malformed, "an extension message is an array of version, type and fields");
  }
  const auto& fields = object.via.array;
  if (fields.ptr[0].type != msgpack::type::POSITIVE_INTEGER || fields.ptr[1].type != msgpack::type::POSITIVE_INTEGER) {
    return error(ErrorCode::malformed, "version or type of an extension message is not a number");
  }
  if (fields.ptr[0].via.u64 != kExtensionVersion) {
    return error(ErrorCode::wrong_version, "extension version " + std::to_string(fields.ptr[0].via.u64));
  }
  return read_body(fields.ptr[1].via.u64, fields, limits);
}

}  // namespace np2p
