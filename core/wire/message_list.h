// Messages of one layer are a std::variant: on the wire a byte that says which of the list it is, from 1, and then its
// fields. New types are added at the end of the list.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <variant>

#include "core/wire/swarm_fields.h"

namespace np2p::swarm {

// `fields(io, message, room)` names the fields of each type, once for both directions: io is a FieldWriter with a const
// message or a FieldReader with one to fill. `room` bounds payloads.
template <class Message, class Fields>
Frame encode_one_of(const Message& message, Fields fields) {
  FieldWriter out;
  out.number(static_cast<std::uint8_t>(message.index() + 1));
  std::visit([&](const auto& m) { fields(out, m, std::size_t{0}); }, message);
  return Frame(out.out());
}

template <class Message, class Fields, std::size_t Type>
Result<Message> decode_as(ByteView body, const Limits& limits) {
  std::variant_alternative_t<Type, Message> message{};
  FieldReader in(body);
  Fields{}(in, message, limits.frame_bytes);
  if (!in.ok()) return error(ErrorCode::malformed, "a message of type " + std::to_string(Type + 1) + " does not parse");
  return Message{std::move(message)};
}

template <class Message, class Fields, std::size_t... Types>
constexpr auto decoders_of(std::index_sequence<Types...>) {
  return std::array{&decode_as<Message, Fields, Types>...};
}

template <class Message, class Fields>
Result<Message> decode_one_of(ByteView bytes, const Limits& limits, Fields) {
  static constexpr auto kDecoders =
      decoders_of<Message, Fields>(std::make_index_sequence<std::variant_size_v<Message>>{});
  if (bytes.empty()) return error(ErrorCode::malformed, "an empty message");
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "a message over the limit");
  const std::size_t type = bytes[0];
  if (type == 0 || type > kDecoders.size()) {
    return error(ErrorCode::unknown_type, "a message of the unknown type " + std::to_string(type));
  }
  return kDecoders[type - 1](bytes.subspan(1), limits);
}

}  // namespace np2p::swarm
