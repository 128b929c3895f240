// The event core: virtual time and the total order (time, source, source's own sequence). The order never depends on
// when an event was inserted, so neither threads nor partitions of the world could change it.
//
// Events are 32 bytes of plain data. They lie in a ring of time buckets that is sorted only when the bucket is reached;
// behind it a wheel of 1.07 s slots for the next 73 minutes, and a heap for what is later. The width of the buckets
// follows the load, so that a bucket holds some dozens of events, and bitmaps skip empty ones.
//
// Memory is what a large world waits for, so nothing here reads what has left the caches: to push an event is to write
// it, the lists of buckets are linked beside their events, the events of the next bucket are fetched early, and that
// bucket is opened a few events before its time, so that those who will run next are always known.
//
// Invariants: buckets up to `bucket_` are empty in the ring (what is due there lies in `current_`); the ring holds the
// spans super_ and super_ + 1, the wheel super_ + 2 to super_ + 4095, the heap the rest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "simnet/base.h"
#include "simnet/slab.h"

namespace np2p::sim {

struct SimEvent {
  SimTime at;
  std::uint64_t key;  // make_key(source, sequence)
  std::uint32_t to;
  std::uint8_t kind;
  std::uint8_t tag;
  std::uint16_t slot;
  std::uint64_t payload;
};
static_assert(sizeof(SimEvent) == 32);

constexpr std::uint64_t make_key(std::uint32_t source, std::uint64_t sequence) noexcept {
  return static_cast<std::uint64_t>(source) << 40 | (sequence & 0xFF'FFFF'FFFFull);
}
constexpr std::uint32_t source_of(const SimEvent& event) noexcept {
  return static_cast<std::uint32_t>(event.key >> 40);
}
inline bool before(const SimEvent& a, const SimEvent& b) noexcept {
  return a.at < b.at || (a.at == b.at && a.key < b.key);
}

class Scheduler {
 public:
  Scheduler();
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // `at` must not lie before now(); equal keys at equal times must not occur.
  void push(const SimEvent& event) {
    ++pending_;
    place(event);
  }

  // Handles every event up to and including `until`, at most `budget` of them. True if none is left up to `until`; then
  // now() is `until`. Handler: void handle(const SimEvent&), which may push; prefetch and prefetch_near are called with
  // events that will be handled soon. A handler may hold pushes back that lie at its horizon() or later; flush() pushes
  // them and says whether there were any.
  template <class Handler>
  bool run_until(SimTime until, std::uint64_t budget, Handler& handler) {
    while (budget > 0) {
      if (position_ >= refill_) {
        if (flush(handler)) continue;
        const std::size_t known = current_.size() - position_;
        if (!refill(until) && position_ == current_.size()) break;
        const std::size_t last = std::min(position_ + kPrefetch, current_.size());
        for (std::size_t i = position_ + known; i < last; ++i) handler.prefetch(current_[i]);
      }
      const std::size_t ahead = position_ + kPrefetch;
      if (ahead < current_.size()) handler.prefetch(current_[ahead]);
      const std::size_t near = position_ + kPrefetchNear;
      if (near < current_.size()) handler.prefetch_near(current_[near]);
      const SimEvent event = current_[position_];
      if (event.at > until || event.at >= horizon(handler)) {
        if (!flush(handler)) break;
        continue;
      }
      ++position_;
      --pending_;
      --budget;
      ++handled_;
      now_ = event.at;
      handler.handle(event);
    }
    flush(handler);
    if (budget == 0 && pending_until(until)) return false;
    if (now_ < until) now_ = until;
    return true;
  }

  [[nodiscard]] SimTime now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t handled() const noexcept { return handled_; }
  [[nodiscard]] std::uint64_t pending() const noexcept { return pending_; }
  [[nodiscard]] std::size_t bytes() const noexcept;  // memory held
  // Takes out everything that is pending, in no order: for an owner who has to free what its events refer to.
  template <class Visit>
  void drain(Visit visit) {
    scratch_.assign(current_.begin() + static_cast<std::ptrdiff_t>(position_), current_.end());
    current_.clear();
    position_ = refill_ = 0;
    for (auto& head : ring_) take_list(head, scratch_);
    for (auto& head : wheel_) take_list(head, scratch_);
    scratch_.insert(scratch_.end(), heap_.begin(), heap_.end());
    heap_.clear();
    ring_bits_.assign(ring_bits_.size(), 0);
    wheel_bits_.assign(wheel_bits_.size(), 0);
    in_ring_ = pending_ = 0;
    for (const SimEvent& event : scratch_) visit(event);
  }

 private:
  template <class Handler>
  static bool flush(Handler& handler) {
    if constexpr (requires { handler.flush(); }) {
      return handler.flush();
    } else {
      return false;
    }
  }
  template <class Handler>
  static SimTime horizon(const Handler& handler) {
    if constexpr (requires { handler.horizon(); }) {
      return handler.horizon();
    } else {
      return kNever;
    }
  }

  static constexpr int kSpanBits = 30;     // a span (one slot of the wheel) is 2^30 ns
  static constexpr int kMinWidthBits = 8;  // narrowest bucket
  static constexpr std::uint64_t kWheel = 4096;
  static constexpr std::size_t kPrefetch = 12;
  static constexpr std::size_t kPrefetchNear = 5;
  static constexpr std::size_t kPerChunk = 16;
  static constexpr std::size_t kBlockChunks = 4096;  // of 512 bytes: a block is one huge page

  struct alignas(64) Chunk {
    SimEvent events[kPerChunk];
  };
  static_assert(sizeof(Chunk) == 512);
  // A list of events: its first chunk and how many events that one holds, less one; the others are full. 0: empty.
  using List = std::uint32_t;
  static constexpr List kCountMask = kPerChunk - 1;
  static constexpr int kCountBits = 4;

  void place(const SimEvent& event) {
    const std::int64_t bucket = event.at >> width_bits_;
    if (bucket <= bucket_) {
      insert_current(event);
    } else if ((event.at >> kSpanBits) <= super_ + 1) {
      put_in_ring(bucket, event);
      if (++in_ring_ > crowded_) rebuild(width_bits_ - 2);
    } else {
      place_far(event);
    }
  }
  void put_in_ring(std::int64_t bucket, const SimEvent& event) {
    const std::uint64_t index = static_cast<std::uint64_t>(bucket) & ring_mask_;
    append(ring_[index], event);
    ring_bits_[index >> 6] |= std::uint64_t{1} << (index & 63);
  }
  void append(List& list, const SimEvent& event) {
    if (list != 0 && (list & kCountMask) != kCountMask) {
      ++list;
    } else {
      const std::uint32_t fresh = take_chunk();
      next_[fresh] = list >> kCountBits;
      list = fresh << kCountBits;
    }
    chunk(list >> kCountBits).events[list & kCountMask] = event;
  }
  [[nodiscard]] Chunk& chunk(std::uint32_t index) noexcept {
    return blocks_[index / kBlockChunks][index % kBlockChunks];
  }
  std::uint32_t take_chunk() {
    if (free_ != 0) {
      const std::uint32_t index = free_;
      free_ = next_[index];
      return index;
    }
    if (fresh_ >= next_.size()) add_block();
    return fresh_++;
  }

  void add_block();
  void insert_current(const SimEvent& event);
  void place_far(const SimEvent& event);
  bool refill(SimTime until);
  bool advance(SimTime until);
  bool advance_in_ring(SimTime until, bool& blocked);
  bool advance_far(SimTime until);
  void open_bucket(std::int64_t bucket);
  void fetch_bucket(std::int64_t bucket) noexcept;
  void enter_span(std::int64_t super);
  void take_list(List& list, std::vector<SimEvent>& out);
  void adapt();
  void rebuild(int width_bits);
  void size_ring();
  bool pending_until(SimTime until);

  SimTime now_ = 0;
  std::uint64_t handled_ = 0;
  std::uint64_t pending_ = 0;
  std::vector<SimEvent> current_;  // sorted from position_ on
  std::size_t position_ = 0;
  std::size_t refill_ = 0;  // the position at which to open the next bucket
  int width_bits_ = 24;
  std::int64_t bucket_ = 0;
  std::int64_t super_ = 0;
  std::uint64_t ring_mask_ = 0;
  std::uint64_t in_ring_ = 0;
  std::uint64_t crowded_ = 0;  // the buckets are too wide if the ring holds more than this
  std::vector<List> ring_;
  std::vector<std::uint64_t> ring_bits_;
  std::vector<List> wheel_;
  std::vector<std::uint64_t> wheel_bits_;
  std::vector<SimEvent> heap_;  // earliest first
  std::vector<SlabVector<Chunk>> blocks_;
  std::vector<std::uint32_t> next_;  // the chunk after this one in its list
  std::uint32_t fresh_ = 1;          // chunk 0 is "none"
  std::uint32_t free_ = 0;
  std::uint64_t opened_ = 0;         // buckets since the last look at the width
  std::uint64_t opened_events_ = 0;  // events in them
  std::vector<SimEvent> scratch_;
};

}  // namespace np2p::sim
