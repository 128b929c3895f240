// How messages become bytes inside a link. A message belongs to one of four streams - three priorities and the link
// layer's own - and travels in chunks of at most kChunkBytes, so that a long bulk message never delays a control
// message by more than one chunk. Each chunk begins with four bytes, big endian:
//
//   bits 31-30 stream   29-28 traffic class   27-0 bytes of the message still to come, this chunk included
//
// A chunk carries min(bytes to come, kChunkBytes); the first prefix of a message therefore says its whole length, and
// one above the limit is refused before any buffer grows. Short messages are exactly a length prefix and their bytes.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>

#include "core/base/frame.h"
#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/host/network.h"

namespace np2p::real {

inline constexpr std::size_t kPrefixBytes = 4;
inline constexpr std::size_t kChunkBytes = 16 * 1024 - kPrefixBytes;  // prefix and chunk fill one TLS record
inline constexpr std::size_t kLinkMessageBytes = 1024;                // the link layer's own messages are small

enum class Stream : std::uint8_t { control, post, bulk, link };

struct Message {
  Stream stream = Stream::control;
  Traffic traffic = Traffic::control;
  ByteView bytes;  // valid during the call
};

// Appends prefix and bytes of a message of one chunk.
void append_message(ByteVec& out, Stream stream, Traffic traffic, ByteView bytes);

class FrameReader {
 public:
  explicit FrameReader(const Limits& limits) : frame_bytes_(limits.frame_bytes) {}

  // Takes bytes as they come and calls `sink` for each whole message; sink returns false to stop (link closed inside).
  // Errors: too_large, malformed; after one nothing more may be fed.
  template <class Sink>
  Status feed(ByteView bytes, Sink&& sink) {
    while (!bytes.empty()) {
      if (Status status = take(bytes); !status.ok()) return status;
      if (!complete_) continue;
      const bool more = sink(*complete_);
      finish_message();
      if (!more) break;
    }
    return {};
  }
  [[nodiscard]] std::size_t buffered() const noexcept;

 private:
  struct Assembly {
    ByteVec bytes;
    std::size_t remaining = 0;  // of the message; 0: none under way
    Traffic traffic = Traffic::control;
  };
  Status take(ByteView& bytes);  // one step; sets complete_ when a message is whole
  Status begin_chunk();
  void take_chunk(ByteView& bytes);
  void finish_message();

  std::size_t frame_bytes_;
  std::array<Assembly, 4> streams_;
  std::array<std::uint8_t, kPrefixBytes> prefix_{};
  std::size_t prefix_have_ = 0;
  std::size_t chunk_left_ = 0;
  std::size_t current_ = 0;  // stream of the chunk under way
  bool in_chunk_ = false;
  std::optional<Message> complete_;
};

// Frames waiting to be sent on one link: shared, not copied, until they become part of a record.
class SendQueue {
 public:
  void push(Frame frame, Priority priority, Traffic traffic);
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return waiting_ == 0; }
  // Appends as many chunks as fit into `record` up to `capacity` bytes, smaller priorities first. `capacity` is at
  // least one prefix and one chunk. Returns what the largest chunk is for.
  Traffic fill(ByteVec& record, std::size_t capacity);
  void clear();

 private:
  struct Item {
    Frame frame;
    std::size_t sent = 0;
    Traffic traffic;
  };
  std::array<std::deque<Item>, 3> queues_;
  std::size_t bytes_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace np2p::real
