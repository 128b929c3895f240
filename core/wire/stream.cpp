#include "core/wire/stream.h"

#include <algorithm>
#include <string>

#include "core/event/sha256.h"

namespace np2p {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kHeadFields = 8;
constexpr std::size_t kPartFields = 4;

void append_number(ByteVec& out, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

Chain beginning_of(const Sha256& hash) noexcept {
  Chain chain{};
  std::copy_n(hash.begin(), chain.size(), chain.begin());
  return chain;
}

bool read_number(msgpack::Reader& in, std::uint64_t& out) {
  const auto value = in.unsigned_int();
  if (value) out = *value;
  return value.has_value();
}

template <class Array>
bool read_array(msgpack::Reader& in, Array& out) {
  const auto bytes = in.bin();
  if (!bytes || bytes->size() != out.size()) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

}  // namespace

Chain first_chain(const PubKey& author, std::uint64_t incarnation, std::uint64_t base) {
  ByteVec numbers;
  append_number(numbers, incarnation);
  append_number(numbers, base);
  return beginning_of(sha256({bytes_of(kStreamTag), author.view(), numbers}));
}

Chain next_chain(const Chain& before, const EventId& event) {
  return beginning_of(sha256({before, event.view()}));
}

ByteVec signed_part(const StreamHead& head) {
  ByteVec bytes(head.author.view().begin(), head.author.view().end());
  append_number(bytes, head.epoch);
  append_number(bytes, head.incarnation);
  append_number(bytes, head.base);
  append_number(bytes, head.seq);
  append_number(bytes, head.previous);
  bytes.insert(bytes.end(), head.chain.begin(), head.chain.end());
  return bytes;
}

void write_head(msgpack::Writer& out, const StreamHead& head) {
  out.array(kHeadFields);
  out.bin(head.author.view());
  out.uint(head.epoch);
  out.uint(head.incarnation);
  out.uint(head.base);
  out.uint(head.seq);
  out.bin(ByteView{head.chain});
  head.sig == Signature{} ? out.nil() : out.bin(head.sig.view());
  out.uint(head.previous);
}

bool read_head(msgpack::Reader& in, StreamHead& head) {
  if (in.array() != kHeadFields) return false;
  if (!read_array(in, head.author.data) || !read_number(in, head.epoch) || !read_number(in, head.incarnation) ||
      !read_number(in, head.base) || !read_number(in, head.seq) || !read_array(in, head.chain)) {
    return false;
  }
  if (!in.nil() && !read_array(in, head.sig.data)) return false;
  if (!read_number(in, head.previous)) return false;
  // Numbers of a server that counts from 1 and has not posted without a break since the beginning of time.
  return head.base <= head.seq && head.seq < std::uint64_t{1} << 62;
}

Frame encode_stream_part(const StreamPart& part) {
  std::string bytes;
  bytes.reserve(part.packet.size() + 192);
  msgpack::Writer out(bytes);
  out.array(kPartFields);
  out.uint(kVersion);
  write_head(out, part.head);
  out.uint(part.covers);
  out.bin(part.packet.view());
  return Frame(bytes_of(bytes));
}

Result<StreamPart> decode_stream_part(ByteView bytes, const Limits& limits) {
  if (bytes.size() > limits.frame_bytes) return error(ErrorCode::too_large, "a stream part over the frame limit");
  msgpack::Reader in(bytes, limits.msgpack_depth);
  const auto fields = in.array();
  const auto version = in.unsigned_int();
  if (!fields || !version) return error(ErrorCode::malformed, "a stream part is an array that begins with a version");
  if (*version != kVersion)
    return error(ErrorCode::wrong_version, "stream part of version " + std::to_string(*version));
  StreamPart part;
  if (*fields < kPartFields || !read_head(in, part.head)) return error(ErrorCode::bad_field, "a bad head of a stream");
  const auto packet = read_number(in, part.covers) ? in.bin() : std::nullopt;
  if (!packet) return error(ErrorCode::bad_field, "a stream part says how many numbers it covers and has a packet");
  if (part.covers > part.head.seq) return error(ErrorCode::bad_field, "a stream part covers more than there is");
  part.packet = Frame(bytes_of(*packet));
  for (std::size_t i = kPartFields; i < *fields; ++i) {
    if (!in.skip()) return error(ErrorCode::malformed, "a stream part is cut off");
  }
  if (!in.at_end()) return error(ErrorCode::malformed, "bytes after the stream part");
  return part;
}

}  // namespace np2p
