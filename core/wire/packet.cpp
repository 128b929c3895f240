#include "core/wire/packet.h"

#include <algorithm>
#include <array>

#include "core/event/size_limits.h"
#include "core/wire/msgpack.h"

namespace np2p {
namespace {

// ---------------------------------------------------------------------------------------------------------- writing

std::size_t encoded_size(const Event& event) noexcept {  // at least what write_event writes
  return 200 + event.content.size() + event.tags.bytes() + 5 * (event.tags.values() + event.tags.size());
}

void write_event(msgpack::Writer& out, const Event& event, bool with_signature) {
  out.map(7);
  out.str("Id");
  out.bin(event.id.view());
  out.str("Pubkey");
  out.bin(event.pubkey.view());
  out.str("Created_at");
  out.float64(static_cast<double>(event.created_at));
  out.str("Kind");
  out.uint16(event.kind);
  out.str("Tags");
  out.array(event.tags.size());
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const Tags::Tag tag = event.tags[i];
    out.array(tag.size());
    for (std::size_t j = 0; j < tag.size(); ++j) out.bin(tag[j]);
  }
  out.str("Content");
  out.str(event.content);
  out.str("Sig");
  if (with_signature) {
    out.bin(event.sig.view());
  } else {
    out.nil();
  }
}

void write_packet_head(msgpack::Writer& out) {
  out.map(4);
  out.str("SrvVer");
  out.uint16(kServerVersion);
  out.str("PktVer");
  out.uint16(kPacketVersion);
  out.str("Events");
}

const Event& event_of(const Event& event) noexcept {
  return event;
}
const Event& event_of(const EventPtr& event) noexcept {
  return *event;
}

template <class Events>
void write_events(msgpack::Writer& out, const Events& events, bool with_signatures) {
  out.array(events.size());
  for (const auto& event : events) write_event(out, event_of(event), with_signatures);
}

void write_request(msgpack::Writer& out, const Request& request) {
  out.map(3);
  out.str("Id");
  out.uint64(request.id);
  out.str("Kind");
  out.uint16(request.kind);
  out.str("Args");
  if (request.event_id || request.author) {
    out.map(1);
    out.str(request.event_id ? "evtId" : "author");
    out.array(1);
    out.bin(request.event_id ? request.event_id->view() : request.author->view());
  } else {
    out.nil();
  }
}

template <class Events>
std::size_t encoded_size_of(const Events& events) noexcept {
  std::size_t size = 64;
  for (const auto& event : events) size += encoded_size(event_of(event));
  return size;
}

// ---------------------------------------------------------------------------------------------------------- reading

constexpr std::size_t kLeastEventBytes = 150;  // a map with an id, a key and a time is longer

enum class Signatures : std::uint8_t { required, optional };

// One pass over the bytes. Functions return false after fail(); the first failure is what the caller reports.
class Decoder {
 public:
  Decoder(ByteView bytes, const Limits& limits) : in_(bytes, limits.msgpack_depth), limits_(limits) {}

  Result<Packet> packet() {
    Packet packet;
    if (!read_packet(packet)) return failure_;
    return packet;
  }

  Result<std::vector<Event>> answer() {
    std::vector<Event> events;
    const bool done = fields<1>("answer", {"Evts"}, [&](std::size_t) {
      return read_events(events, limits_.query_events, Signatures::optional);
    });
    if (!done || !require(0, "Evts") || !finish()) return failure_;
    return events;
  }

 private:
  bool fail(ErrorCode code, std::string reason) {
    if (!failed_) failure_ = error(code, std::move(reason));
    failed_ = true;
    return false;
  }
  // A value was not of the type wanted, or the bytes are no MessagePack at all.
  bool unexpected(std::string_view field, std::string_view wanted) {
    if (in_.broken()) return fail(ErrorCode::malformed, "cut off or broken MessagePack in " + std::string(field));
    return fail(ErrorCode::bad_field, std::string(field) + " is not " + std::string(wanted));
  }
  bool finish() { return in_.at_end() || fail(ErrorCode::malformed, "there are bytes behind the end"); }

  // A map with string keys: calls read(i) for key names[i]; unknown keys are skipped within the depth limit. Leaves in
  // seen_ which names were there.
  template <std::size_t N, class Read>
  bool fields(std::string_view what, const std::array<std::string_view, N>& names, Read&& read) {
    const auto count = in_.map();
    if (!count) return unexpected(what, "a map");
    unsigned seen = 0;
    for (std::size_t i = 0; i < *count; ++i) {
      const auto key = in_.str();
      if (!key) return unexpected(what, "a map with string keys");
      std::size_t index = i < N && names[i] == *key ? i : 0;  // nearly always in the order of the original
      while (index < N && names[index] != *key) ++index;
      if (index == N) {
        if (!in_.skip()) return unexpected(what, "");
        continue;
      }
      if ((seen & 1u << index) != 0) return fail(ErrorCode::bad_field, std::string(*key) + " is there twice");
      seen |= 1u << index;
      if (!read(index)) return false;
    }
    seen_ = seen;
    return true;
  }
  bool require(std::size_t index, std::string_view name) {
    return (seen_ & 1u << index) != 0 || fail(ErrorCode::bad_field, std::string(name) + " is missing");
  }

  bool read_packet(Packet& packet) {
    const bool done = fields<4>("packet", {"SrvVer", "PktVer", "Events", "Reqs"}, [&](std::size_t index) {
      switch (index) {
        case 0: {
          std::uint16_t any = 0;
          return read_uint16("SrvVer", any);
        }
        case 1: {
          std::uint16_t version = 0;
          if (!read_uint16("PktVer", version)) return false;
          return version == kPacketVersion ||
                 fail(ErrorCode::wrong_version, "packet version " + std::to_string(version));
        }
        case 2:
          return read_events(packet.events, limits_.packet_events, Signatures::required);
        default:
          return read_requests(packet.requests);
      }
    });
    if (!done || !require(0, "SrvVer") || !require(1, "PktVer") || !finish()) return false;
    if (packet.events.empty() && packet.requests.empty()) {
      return fail(ErrorCode::bad_field, "the packet has no events and no requests");
    }
    return true;
  }

  bool read_uint16(std::string_view name, std::uint16_t& out) {
    const auto value = in_.unsigned_int();
    if (!value || *value > UINT16_MAX) return unexpected(name, "an integer from 0 to 65535");
    out = static_cast<std::uint16_t>(*value);
    return true;
  }

  template <class Fixed>
  bool read_fixed(std::string_view name, Fixed& out) {
    const auto value = in_.bin();
    if (!value) return unexpected(name, "binary");
    const auto fixed = Fixed::from(bytes_of(*value));
    if (!fixed) return fail(ErrorCode::bad_field, std::string(name) + " has a wrong length");
    out = *fixed;
    return true;
  }

  bool read_events(std::vector<Event>& events, std::size_t limit, Signatures signatures) {
    if (in_.nil()) return true;
    const auto count = in_.array();
    if (!count) return unexpected("Events", "a list");
    if (*count > limit) return fail(ErrorCode::too_large, "too many events");
    events.reserve(std::min(*count, in_.remaining() / kLeastEventBytes + 1));
    for (std::size_t i = 0; i < *count; ++i) {
      if (!read_event(events.emplace_back(), signatures)) return false;
    }
    return true;
  }

  bool read_event(Event& event, Signatures signatures) {
    static constexpr std::array<std::string_view, 7> kNames{"Id",   "Pubkey",  "Created_at", "Kind",
                                                            "Tags", "Content", "Sig"};
    const bool done = fields<7>("event", kNames, [&](std::size_t index) {
      switch (index) {
        case 0:
          return read_fixed("Id", event.id);
        case 1:
          return read_fixed("Pubkey", event.pubkey);
        case 2:
          return read_time(event.created_at);
        case 3:
          return read_uint16("Kind", event.kind);
        case 4:
          return read_tags(event.tags);
        case 5:
          return read_content(event.content);
        default:
          return (signatures == Signatures::optional && in_.nil()) || read_fixed("Sig", event.sig);
      }
    });
    if (!done) return false;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (!require(i, kNames[i])) return false;
    }
    return true;
  }

  bool read_time(std::int64_t& out) {
    const auto value = in_.number();
    if (!value) return unexpected("Created_at", "a number");
    constexpr double kLast = 9007199254740992.0;           // 2^53
    const bool in_range = *value >= 0 && *value <= kLast;  // false for NaN too
    if (in_range) out = static_cast<std::int64_t>(*value);
    return (in_range && static_cast<double>(out) == *value) ||
           fail(ErrorCode::bad_time, "Created_at is not a whole number of seconds since 1970");
  }

  bool read_content(std::string& out) {
    const auto text = in_.str();
    if (!text) return unexpected("Content", "a string");
    out.assign(*text);
    return true;
  }

  bool read_tags(Tags& tags) {
    if (in_.nil()) return true;
    const auto count = in_.array();
    if (!count) return unexpected("Tags", "a list");
    if (*count > kMostTags) return fail(ErrorCode::too_large, "the event has too many tags");
    tags.reserve(*count, 2 * *count, std::min(64 * *count, in_.remaining()));
    for (std::size_t i = 0; i < *count; ++i) {
      const auto values = in_.array();
      if (!values) return unexpected("a tag", "a list");
      if (*values > limits_.tag_values) return fail(ErrorCode::too_large, "too many values in a tag");
      tags.begin_tag();
      for (std::size_t j = 0; j < *values; ++j) {
        const auto value = in_.str_or_bin();
        if (!value) return unexpected("a tag value", "binary or a string");
        tags.add_value(*value);
      }
    }
    return true;
  }

  bool read_requests(std::vector<Request>& requests) {
    if (in_.nil()) return true;
    const auto count = in_.array();
    if (!count) return unexpected("Reqs", "a list");
    if (*count > limits_.packet_requests) return fail(ErrorCode::too_large, "too many requests");
    for (std::size_t i = 0; i < *count; ++i) {
      if (!read_request(requests.emplace_back())) return false;
    }
    return true;
  }

  bool read_request(Request& request) {
    const bool done = fields<3>("request", {"Id", "Kind", "Args"}, [&](std::size_t index) {
      if (index == 1) return read_uint16("Kind", request.kind);
      if (index == 2) return read_arguments(request);
      const auto id = in_.unsigned_int();
      if (!id) return unexpected("Id", "an integer");
      request.id = *id;
      return true;
    });
    if (!done || !require(0, "Id") || !require(1, "Kind")) return false;
    if (request.kind != kind::post) {
      request.event_id.reset();
      return true;
    }
    request.author.reset();
    return request.event_id.has_value() || fail(ErrorCode::bad_field, "a request for a post without its id");
  }

  bool read_arguments(Request& request) {
    if (in_.nil()) return true;
    return fields<2>("Args", {"evtId", "author"}, [&](std::size_t index) {
      const std::string_view name = index == 0 ? "evtId" : "author";
      const auto count = in_.array();
      if (!count || *count != 1) return unexpected(name, "a list of one");
      return index == 0 ? read_fixed(name, request.event_id.emplace()) : read_fixed(name, request.author.emplace());
    });
  }

  msgpack::Reader in_;
  const Limits& limits_;
  unsigned seen_ = 0;
  bool failed_ = false;
  Error failure_;
};

}  // namespace

namespace {

template <class Events>
Frame encode(const Events& events, std::span<const Request> requests) {
  std::string bytes;
  bytes.reserve(encoded_size_of(events) + 128 * requests.size());
  msgpack::Writer out(bytes);
  write_packet_head(out);
  if (events.empty()) {
    out.nil();
  } else {
    write_events(out, events, true);
  }
  out.str("Reqs");
  if (requests.empty()) {
    out.nil();
  } else {
    out.array(static_cast<std::uint32_t>(requests.size()));
    for (const Request& request : requests) write_request(out, request);
  }
  return Frame(bytes_of(bytes));
}

}  // namespace

Frame encode_packet(std::span<const EventPtr> events, std::span<const Request> requests) {
  return encode(events, requests);
}

Frame encode_claims(std::span<const Event> events) {
  return encode(events, {});
}

Frame encode_events(std::span<const EventPtr> events) {
  return encode_packet(events, {});
}

Frame encode_request(const Request& request) {
  return encode_packet({}, {&request, 1});
}

Result<Packet> decode_packet(ByteView bytes, const Limits& limits) {
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "the packet is larger than allowed");
  return Decoder(bytes, limits).packet();
}

std::string encode_answer(std::span<const EventPtr> events, bool with_signatures) {
  std::string bytes;
  bytes.reserve(encoded_size_of(events));
  msgpack::Writer out(bytes);
  out.map(1);
  out.str("Evts");
  write_events(out, events, with_signatures);
  return bytes;
}

Result<std::vector<Event>> decode_answer(ByteView bytes, const Limits& limits) {
  return Decoder(bytes, limits).answer();
}

}  // namespace np2p
