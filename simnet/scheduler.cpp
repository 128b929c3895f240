#include "simnet/scheduler.h"

#include <algorithm>
#include <bit>

#include "core/base/assert.h"

namespace np2p::sim {

namespace {

// A bucket is worth reshaping when it holds more or fewer events than these on average; kIdeal is aimed at.
constexpr std::uint64_t kTooMany = 256;
constexpr std::uint64_t kTooFew = 24;
constexpr std::uint64_t kIdeal = 80;
constexpr std::size_t kLongInsertion = 768;  // an insertion into a longer list costs more than narrower buckets

bool later(const SimEvent& a, const SimEvent& b) noexcept {
  return before(b, a);
}

// The first set bit at or after `from`, cyclically, as a distance from it below `span`; `span` if there is none.
std::uint64_t next_bit(const std::vector<std::uint64_t>& bits, std::uint64_t mask, std::uint64_t from,
                       std::uint64_t span) {
  std::uint64_t distance = 0;
  while (distance < span) {
    const std::uint64_t index = (from + distance) & mask;
    const std::uint64_t word = bits[index >> 6] >> (index & 63);
    if (word != 0) {
      return std::min(span, distance + static_cast<std::uint64_t>(std::countr_zero(word)));
    }
    distance += 64 - (index & 63);
  }
  return span;
}

}  // namespace

Scheduler::Scheduler() : wheel_(kWheel), wheel_bits_(kWheel / 64) {
  size_ring();
}

Scheduler::~Scheduler() = default;

void Scheduler::size_ring() {
  const std::uint64_t buckets = std::max<std::uint64_t>(64, std::uint64_t{2} << (kSpanBits - width_bits_));
  ring_.assign(buckets, 0);
  ring_bits_.assign(buckets / 64, 0);
  ring_mask_ = buckets - 1;
  crowded_ = width_bits_ - 2 < kMinWidthBits ? UINT64_MAX : buckets * kTooMany;
}

void Scheduler::add_block() {
  blocks_.emplace_back(kBlockChunks);
  next_.resize(blocks_.size() * kBlockChunks);
  NP2P_ASSERT(next_.size() < (std::size_t{1} << (32 - kCountBits)));
}

void Scheduler::insert_current(const SimEvent& event) {
  const auto first = current_.begin() + static_cast<std::ptrdiff_t>(position_);
  current_.insert(std::upper_bound(first, current_.end(), event, before), event);
  if (current_.size() - position_ > kLongInsertion && width_bits_ - 3 >= kMinWidthBits) {
    // Narrower buckets help only if the list spreads over several of them.
    const SimTime spread = current_.back().at - current_[position_].at;
    const std::uint64_t buckets = std::uint64_t{16} << (kSpanBits - width_bits_);
    if ((spread >> (width_bits_ - 3)) > 0 && buckets <= std::max<std::uint64_t>(65'536, 8 * pending_)) {
      rebuild(width_bits_ - 3);
    }
  }
}

void Scheduler::place_far(const SimEvent& event) {
  const std::int64_t span = event.at >> kSpanBits;
  if (span - super_ >= static_cast<std::int64_t>(kWheel)) {
    heap_.push_back(event);
    std::push_heap(heap_.begin(), heap_.end(), later);
    return;
  }
  const std::uint64_t index = static_cast<std::uint64_t>(span) & (kWheel - 1);
  append(wheel_[index], event);
  wheel_bits_[index >> 6] |= std::uint64_t{1} << (index & 63);
}

void Scheduler::take_list(List& list, std::vector<SimEvent>& out) {
  if (list == 0) return;
  std::size_t count = (list & kCountMask) + 1;
  std::uint32_t at = list >> kCountBits;
  list = 0;
  while (at != 0) {
    const SimEvent* events = chunk(at).events;
    out.insert(out.end(), events, events + count);
    count = kPerChunk;
    const std::uint32_t next = next_[at];
    next_[at] = free_;
    free_ = at;
    at = next;
  }
}

// From here on the ring holds the spans `super` and `super + 1`.
void Scheduler::enter_span(std::int64_t super) {
  super_ = super;
  while (!heap_.empty() && (heap_.front().at >> kSpanBits) - super_ < static_cast<std::int64_t>(kWheel)) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const SimEvent event = heap_.back();
    heap_.pop_back();
    place_far(event);
  }
  const std::uint64_t index = static_cast<std::uint64_t>(super + 1) & (kWheel - 1);
  if (wheel_[index] == 0) return;
  wheel_bits_[index >> 6] &= ~(std::uint64_t{1} << (index & 63));
  scratch_.clear();
  take_list(wheel_[index], scratch_);
  for (const SimEvent& event : scratch_) put_in_ring(event.at >> width_bits_, event);
  in_ring_ += scratch_.size();
}

// Adds a bucket to `current_`, behind which it lies in time.
void Scheduler::open_bucket(std::int64_t bucket) {
  const std::int64_t super = bucket >> (kSpanBits - width_bits_);
  bucket_ = bucket;
  if (super != super_) enter_span(super);
  const std::uint64_t index = static_cast<std::uint64_t>(bucket) & ring_mask_;
  ring_bits_[index >> 6] &= ~(std::uint64_t{1} << (index & 63));
  current_.erase(current_.begin(), current_.begin() + static_cast<std::ptrdiff_t>(position_));
  position_ = 0;
  const std::size_t known = current_.size();
  take_list(ring_[index], current_);
  fetch_bucket(bucket + 1);
  const std::size_t opened = current_.size() - known;
  in_ring_ -= opened;
  ++opened_;
  opened_events_ += opened;
  std::sort(current_.begin() + static_cast<std::ptrdiff_t>(known), current_.end(), before);
}

void Scheduler::fetch_bucket(std::int64_t bucket) noexcept {
  const List list = ring_[static_cast<std::uint64_t>(bucket) & ring_mask_];
  std::size_t bytes = ((list & kCountMask) + 1) * sizeof(SimEvent);
  for (std::uint32_t at = list >> kCountBits; at != 0; at = next_[at]) {
    fetch(chunk(at).events, bytes);
    bytes = sizeof(Chunk);
  }
}

// Opens the next bucket. While some of the last one is left, only the one right behind it, because what is pushed
// before the end of an open bucket has to be inserted in its place. False if nothing was opened.
bool Scheduler::refill(SimTime until) {
  adapt();
  if (position_ == current_.size()) {
    if (!advance(until)) return false;
  } else {
    const std::int64_t bucket = bucket_ + 1;
    const std::uint64_t index = static_cast<std::uint64_t>(bucket) & ring_mask_;
    const bool in_reach = bucket < (super_ + 2) << (kSpanBits - width_bits_) && (bucket << width_bits_) <= until;
    if (!in_reach || ring_[index] == 0) {
      refill_ = current_.size();
      return false;
    }
    open_bucket(bucket);
  }
  refill_ = current_.size() - std::min(current_.size(), kPrefetch);
  return true;
}

bool Scheduler::advance_in_ring(SimTime until, bool& blocked) {
  if (in_ring_ == 0) return false;
  const int span_bits = kSpanBits - width_bits_;
  const std::int64_t end = (super_ + 2) << span_bits;
  const std::uint64_t span = static_cast<std::uint64_t>(end - bucket_ - 1);
  const std::uint64_t distance =
      next_bit(ring_bits_, ring_mask_, static_cast<std::uint64_t>(bucket_ + 1) & ring_mask_, span);
  if (distance == span) return false;
  const std::int64_t bucket = bucket_ + 1 + static_cast<std::int64_t>(distance);
  if ((bucket << width_bits_) > until) {
    blocked = true;
    return false;
  }
  open_bucket(bucket);
  return true;
}

// The ring is empty: moves on to the next span that holds something, if that begins by `until`.
bool Scheduler::advance_far(SimTime until) {
  const std::uint64_t from = static_cast<std::uint64_t>(super_ + 2) & (kWheel - 1);
  const std::uint64_t distance = next_bit(wheel_bits_, kWheel - 1, from, kWheel - 2);
  std::int64_t span = 0;
  if (distance < kWheel - 2) {
    span = super_ + 2 + static_cast<std::int64_t>(distance);
  } else if (!heap_.empty()) {
    span = heap_.front().at >> kSpanBits;
  } else {
    return false;
  }
  if ((span << kSpanBits) > until) return false;
  bucket_ = (span << (kSpanBits - width_bits_)) - 1;
  enter_span(span - 1);
  return true;
}

bool Scheduler::advance(SimTime until) {
  current_.clear();
  position_ = refill_ = 0;
  for (;;) {
    bool blocked = false;
    if (advance_in_ring(until, blocked)) return true;
    if (blocked || !advance_far(until)) return false;
  }
}

void Scheduler::adapt() {
  if (opened_ < 256 && opened_events_ < 65'536) return;
  const std::uint64_t mean = opened_events_ / opened_;
  opened_ = 0;
  opened_events_ = 0;
  int width = width_bits_;
  if (mean > kTooMany) {
    width -= static_cast<int>(std::bit_width(mean / kIdeal)) - 1;
    // Never many more buckets than events: clearing and scanning them would cost more than sorting.
    while ((std::uint64_t{1} << (kSpanBits - std::min(width, kSpanBits))) > std::max<std::uint64_t>(64, pending_)) {
      ++width;
    }
  } else if (mean < kTooFew) {
    width += static_cast<int>(std::bit_width(kIdeal / std::max<std::uint64_t>(mean, 1))) - 1;
  }
  width = std::clamp(width, kMinWidthBits, kSpanBits - 2);
  if (width != width_bits_) rebuild(width);
}

void Scheduler::rebuild(int width_bits) {
  std::vector<List> lists;
  lists.swap(ring_);
  width_bits_ = std::clamp(width_bits, kMinWidthBits, kSpanBits - 2);
  size_ring();
  in_ring_ = 0;
  // The spans of the ring stay the same, so that nothing has to go back to the wheel.
  bucket_ = std::max(now_ >> width_bits_, super_ << (kSpanBits - width_bits_));
  const std::int64_t last = ((super_ + 1) << (kSpanBits - width_bits_)) - 1;
  bucket_ = std::min(bucket_, last);
  scratch_.assign(current_.begin() + static_cast<std::ptrdiff_t>(position_), current_.end());
  current_.clear();
  position_ = refill_ = 0;
  const auto place_scratch = [this] {
    for (const SimEvent& event : scratch_) {
      const std::int64_t bucket = event.at >> width_bits_;
      if (bucket <= bucket_) {
        current_.push_back(event);
      } else {
        put_in_ring(bucket, event);
        ++in_ring_;
      }
    }
    scratch_.clear();
  };
  place_scratch();
  for (List& list : lists) {
    take_list(list, scratch_);
    place_scratch();
  }
  std::sort(current_.begin(), current_.end(), before);
}

bool Scheduler::pending_until(SimTime until) {
  if (position_ == current_.size() && !advance(until)) return false;
  return current_[position_].at <= until;
}

std::size_t Scheduler::bytes() const noexcept {
  return blocks_.size() * kBlockChunks * (sizeof(Chunk) + 4) + ring_.capacity() * 4 + ring_bits_.capacity() * 8 +
         (current_.capacity() + heap_.capacity() + scratch_.capacity()) * sizeof(SimEvent) + kWheel * 4;
}

}  // namespace np2p::sim
