#include "realnet/net/framing.h"

#include <algorithm>

namespace np2p::real {

namespace {

constexpr std::uint32_t kLengthMask = (1u << 28) - 1;
constexpr std::size_t kKeptCapacity = 16 * 1024;  // an assembly buffer grown beyond this is given back

void append_prefix(ByteVec& out, Stream stream, Traffic traffic, std::size_t to_come) {
  const std::uint32_t word = static_cast<std::uint32_t>(stream) << 30 | static_cast<std::uint32_t>(traffic) << 28 |
                             (static_cast<std::uint32_t>(to_come) & kLengthMask);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(word >> shift));
}

}  // namespace

void append_message(ByteVec& out, Stream stream, Traffic traffic, ByteView bytes) {
  NP2P_ASSERT(bytes.size() <= kChunkBytes);
  append_prefix(out, stream, traffic, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::size_t FrameReader::buffered() const noexcept {
  std::size_t total = 0;
  for (const auto& stream : streams_) total += stream.bytes.size();
  return total;
}

Status FrameReader::take(ByteView& bytes) {
  if (!in_chunk_) {
    const std::size_t n = std::min(bytes.size(), kPrefixBytes - prefix_have_);
    std::copy_n(bytes.begin(), n, prefix_.begin() + static_cast<std::ptrdiff_t>(prefix_have_));
    prefix_have_ += n;
    bytes = bytes.subspan(n);
    if (prefix_have_ < kPrefixBytes) return {};
    if (Status status = begin_chunk(); !status.ok()) return status;
  }
  take_chunk(bytes);
  return {};
}

Status FrameReader::begin_chunk() {
  std::uint32_t word = 0;
  for (const auto byte : prefix_) word = word << 8 | byte;
  prefix_have_ = 0;
  const std::size_t to_come = word & kLengthMask;
  current_ = word >> 30;
  Assembly& assembly = streams_[current_];
  if (assembly.remaining == 0) {
    const bool own = current_ == static_cast<std::size_t>(Stream::link);
    if (to_come > (own ? kLinkMessageBytes : frame_bytes_)) {
      return error(ErrorCode::too_large, "message of " + std::to_string(to_come) + " bytes announced");
    }
    assembly.traffic = static_cast<Traffic>(word >> 28 & 3u);
  } else if (to_come != assembly.remaining) {
    return error(ErrorCode::malformed, "chunk does not continue its message");
  }
  assembly.remaining = to_come;
  chunk_left_ = std::min(to_come, kChunkBytes);
  in_chunk_ = true;
  return {};
}

void FrameReader::take_chunk(ByteView& bytes) {
  Assembly& assembly = streams_[current_];
  const auto stream = static_cast<Stream>(current_);
  // The common case: the whole message lies in front of us, and is handed on where it lies.
  if (assembly.bytes.empty() && bytes.size() >= assembly.remaining && assembly.remaining == chunk_left_) {
    complete_ = Message{stream, assembly.traffic, bytes.first(chunk_left_)};
    bytes = bytes.subspan(chunk_left_);
    assembly.remaining = 0;
    chunk_left_ = 0;
  } else {
    const std::size_t n = std::min(bytes.size(), chunk_left_);
    assembly.bytes.insert(assembly.bytes.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    assembly.remaining -= n;
    chunk_left_ -= n;
    if (assembly.remaining == 0) complete_ = Message{stream, assembly.traffic, assembly.bytes};
  }
  in_chunk_ = chunk_left_ > 0;
}

void FrameReader::finish_message() {
  complete_.reset();
  auto& bytes = streams_[current_].bytes;
  bytes.clear();
  if (bytes.capacity() > kKeptCapacity) ByteVec().swap(bytes);
}

void SendQueue::push(Frame frame, Priority priority, Traffic traffic) {
  bytes_ += frame.size();
  ++waiting_;
  queues_[static_cast<std::size_t>(priority)].push_back({std::move(frame), 0, traffic});
}

Traffic SendQueue::fill(ByteVec& record, std::size_t capacity) {
  Traffic most = Traffic::control;
  std::size_t largest = 0;
  for (std::size_t priority = 0; priority < queues_.size();) {
    auto& queue = queues_[priority];
    if (queue.empty()) {
      ++priority;
      continue;
    }
    Item& item = queue.front();
    const std::size_t left = item.frame.size() - item.sent;
    const std::size_t n = std::min(left, kChunkBytes);
    if (record.size() + kPrefixBytes + n > capacity) break;
    append_prefix(record, static_cast<Stream>(priority), item.traffic, left);
    const ByteView chunk = item.frame.view().subspan(item.sent, n);
    record.insert(record.end(), chunk.begin(), chunk.end());
    if (n >= largest) most = item.traffic;
    largest = std::max(largest, n);
    item.sent += n;
    bytes_ -= n;
    if (item.sent == item.frame.size()) {
      queue.pop_front();
      --waiting_;
    }
  }
  return most;
}

void SendQueue::clear() {
  for (auto& queue : queues_) queue.clear();
  bytes_ = 0;
  waiting_ = 0;
}

}  // namespace np2p::real
