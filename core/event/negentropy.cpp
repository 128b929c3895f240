#include "core/event/negentropy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "core/event/sha256.h"

namespace np2p {
namespace {

constexpr std::uint8_t kVersion = 0x61;  // 0x60 is version 0
constexpr std::uint64_t kInfinity = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kFingerprint = 16;
constexpr std::size_t kRanges = 16;    // that one is divided into
constexpr std::size_t kReserve = 200;  // bytes for the range that says "the rest another time"

enum class Mode : std::uint8_t { skip = 0, fingerprint = 1, ids = 2 };

Error broken(const char* what) {
  return error(ErrorCode::malformed, std::string("negentropy: ") + what);
}

void append_number(ByteVec& out, std::uint64_t value) {  // seven bits a byte, the highest first
  std::uint8_t bytes[10];
  std::size_t count = 0;
  do {
    bytes[count++] = static_cast<std::uint8_t>(value & 0x7F);
    value >>= 7;
  } while (value > 0);
  while (count > 1) out.push_back(static_cast<std::uint8_t>(bytes[--count] | 0x80));
  out.push_back(bytes[0]);
}

template <class Bytes>
void append(ByteVec& out, const Bytes& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

// Where a range ends: before the first event that is not smaller. Of the id as many bytes as are needed.
struct Negentropy::Bound {
  std::uint64_t time = 0;
  ByteVec prefix;
};

class Negentropy::Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const noexcept { return bytes_.empty(); }
  [[nodiscard]] bool good() const noexcept { return good_; }

  ByteView take(std::size_t size) {
    if (size > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const ByteView taken = bytes_.subspan(0, size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (;;) {
      const ByteView byte = take(1);
      if (byte.empty() || value > kInfinity >> 7) return fail();
      value = value << 7 | (byte[0] & 0x7F);
      if (byte[0] < 0x80) return value;
    }
  }
  Bound bound() {
    Bound bound;
    const std::uint64_t step = number();
    // Times are told as differences, plus one; 0 is infinity.
    if (step == 0 || time_ == kInfinity || kInfinity - time_ < step - 1) {
      time_ = kInfinity;
    } else {
      time_ += step - 1;
    }
    bound.time = time_;
    const std::uint64_t size = number();
    if (size > EventId::size) fail();
    if (good_) append(bound.prefix, take(static_cast<std::size_t>(size)));
    return bound;
  }

 private:
  std::uint64_t fail() {
    good_ = false;
    bytes_ = {};
    return 0;
  }
  ByteView bytes_;
  std::uint64_t time_ = 0;
  bool good_ = true;
};

class Negentropy::Message {
 public:
  Message() { bytes_.push_back(kVersion); }
  void range(const Bound& end, Mode mode) {
    if (end.time == kInfinity) {
      time_ = kInfinity;
      append_number(bytes_, 0);
    } else {
      append_number(bytes_, end.time - time_ + 1);
      time_ = end.time;
    }
    append_number(bytes_, end.prefix.size());
    append(bytes_, end.prefix);
    append_number(bytes_, static_cast<std::uint64_t>(mode));
  }
  [[nodiscard]] ByteVec& bytes() noexcept { return bytes_; }
  // A place to come back to.
  struct Mark {
    std::size_t size;
    std::uint64_t time;
  };
  [[nodiscard]] Mark mark() const noexcept { return {bytes_.size(), time_}; }
  void back_to(const Mark& mark) {
    bytes_.resize(mark.size);
    time_ = mark.time;
  }

 private:
  ByteVec bytes_;
  std::uint64_t time_ = 0;
};

Negentropy::Negentropy(std::vector<Stamp> set, std::size_t message_bytes)
    : set_(std::move(set)), message_bytes_(std::max(message_bytes, kLeastMessage)) {
  std::sort(set_.begin(), set_.end());
  set_.erase(std::unique(set_.begin(), set_.end()), set_.end());
}

// The sum of all ids as little-endian numbers of 256 bits, and how many there are.
std::array<std::uint8_t, 16> Negentropy::fingerprint(std::size_t from, std::size_t to) const {
  std::array<std::uint64_t, 4> sum{};
  for (std::size_t i = from; i < to; ++i) {
    const auto& id = set_[i].id.data;
    std::uint64_t carry = 0;
    for (std::size_t word = 0; word < 4; ++word) {
      std::uint64_t value = 0;
      for (std::size_t byte = 8; byte-- > 0;) value = value << 8 | id[word * 8 + byte];
      const std::uint64_t with_carry = value + carry;
      carry = with_carry < carry ? 1 : 0;
      sum[word] += with_carry;
      carry += sum[word] < with_carry ? 1 : 0;
    }
  }
  ByteVec text;
  for (const std::uint64_t word : sum) {
    for (unsigned shift = 0; shift < 64; shift += 8) text.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  append_number(text, to - from);
  const auto hash = sha256(text);
  std::array<std::uint8_t, kFingerprint> head{};
  std::copy_n(hash.begin(), head.size(), head.begin());
  return head;
}

std::size_t Negentropy::lower_bound(std::size_t from, const Bound& bound) const {
  if (bound.time == kInfinity) return set_.size();
  const auto at =
      std::partition_point(set_.begin() + static_cast<std::ptrdiff_t>(from), set_.end(), [&](const Stamp& stamp) {
        const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(0, stamp.created_at));
        if (time != bound.time) return time < bound.time;
        // Missing bytes of the bound are zero, than which nothing is smaller.
        return std::lexicographical_compare(stamp.id.data.begin(),
                                            stamp.id.data.begin() + static_cast<std::ptrdiff_t>(bound.prefix.size()),
                                            bound.prefix.begin(), bound.prefix.end());
      });
  return static_cast<std::size_t>(at - set_.begin());
}

// All ids of a small range, fingerprints of parts of a larger one.
void Negentropy::split(std::size_t from, std::size_t to, const Bound& end, Message& out) const {
  const std::size_t count = to - from;
  if (count < 2 * kRanges) {
    out.range(end, Mode::ids);
    append_number(out.bytes(), count);
    for (std::size_t i = from; i < to; ++i) append(out.bytes(), set_[i].id.data);
    return;
  }
  std::size_t at = from;
  for (std::size_t part = 0; part < kRanges; ++part) {
    const std::size_t begin = at;
    at += count / kRanges + (part < count % kRanges ? 1 : 0);
    Bound bound = end;
    if (at != to) {  // as short as tells the next one from the last one
      const Stamp& last = set_[at - 1];
      const Stamp& next = set_[at];
      bound = {static_cast<std::uint64_t>(std::max<std::int64_t>(0, next.created_at)), {}};
      if (last.created_at == next.created_at) {
        const auto differ = std::mismatch(last.id.data.begin(), last.id.data.end(), next.id.data.begin()).second;
        bound.prefix.assign(next.id.data.begin(), differ + 1);
      }
    }
    out.range(bound, Mode::fingerprint);
    append(out.bytes(), fingerprint(begin, at));
  }
}

ByteVec Negentropy::initiate() const {
  Message out;
  split(0, set_.size(), Bound{kInfinity, {}}, out);
  return std::move(out.bytes());
}

Result<Negentropy::Step> Negentropy::take(ByteView reply) const {
  Step step;
  auto message = reconcile(reply, &step);
  if (!message.ok()) return message.error();
  step.message = std::move(message).value();
  step.done = step.message.size() == 1;
  return step;
}

Result<ByteVec> Negentropy::answer(ByteView message) const {
  return reconcile(message, nullptr);
}

// `step`: we are the initiator, and it takes what comes out.
Result<ByteVec> Negentropy::reconcile(ByteView in, Step* step) const {
  Reader reader(in);
  const ByteView version = reader.take(1);
  if (version.empty() || (version[0] & 0xF0) != 0x60) return broken("no message of it");
  Message out;
  if (version[0] != kVersion) {
    if (step != nullptr) return error(ErrorCode::wrong_version, "negentropy: the other side speaks another version");
    return std::move(out.bytes());
  }
  const std::size_t room = message_bytes_ - kReserve;
  Bound previous;
  std::size_t from = 0;
  bool skipped = false;  // ranges before this one that are done with, and not told yet
  while (!reader.at_end()) {
    const Bound end = reader.bound();
    const std::uint64_t mode = reader.number();
    if (!reader.good()) return broken("a range is cut off");
    if (end.time < previous.time || (end.time == previous.time && end.prefix < previous.prefix)) {
      return broken("ranges are not in order");
    }
    std::size_t to = lower_bound(from, end);
    const Message::Mark before = out.mark();
    const auto tell_skipped = [&] {
      if (std::exchange(skipped, false)) out.range(previous, Mode::skip);
    };
    const bool skipped_before = skipped;
    if (mode == static_cast<std::uint64_t>(Mode::skip)) {
      skipped = true;
    } else if (mode == static_cast<std::uint64_t>(Mode::fingerprint)) {
      const ByteView theirs = reader.take(kFingerprint);
      if (!reader.good()) return broken("a fingerprint is cut off");
      const auto ours = fingerprint(from, to);
      if (std::equal(theirs.begin(), theirs.end(), ours.begin())) {
        skipped = true;
      } else {
        tell_skipped();
        split(from, to, end, out);
      }
    } else if (mode == static_cast<std::uint64_t>(Mode::ids)) {
      const std::uint64_t count = reader.number();
      std::set<EventId> theirs;
      for (std::uint64_t i = 0; i < count && reader.good(); ++i) {
        const auto id = EventId::from(reader.take(EventId::size));
        if (id && step != nullptr) theirs.insert(*id);
      }
      if (!reader.good()) return broken("a list of ids is cut off");
      if (step != nullptr) {
        skipped = true;
        for (std::size_t i = from; i < to; ++i) {
          if (theirs.erase(set_[i].id) == 0) step->have.push_back(set_[i].id);
        }
        step->need.insert(step->need.end(), theirs.begin(), theirs.end());
      } else {
        tell_skipped();
        // As many as there is room for; the range ends where it is full.
        std::size_t last = from;
        while (last < to && out.bytes().size() + (last - from) * EventId::size <= room) ++last;
        Bound full = end;
        if (last < to) {
          const Stamp& next = set_[last];
          full = {static_cast<std::uint64_t>(std::max<std::int64_t>(0, next.created_at)), {}};
          append(full.prefix, next.id.data);
        }
        out.range(full, Mode::ids);
        append_number(out.bytes(), last - from);
        for (std::size_t i = from; i < last; ++i) append(out.bytes(), set_[i].id.data);
        if (last < to) {
          out.range(Bound{kInfinity, {}}, Mode::fingerprint);
          append(out.bytes(), fingerprint(last, set_.size()));
          return std::move(out.bytes());
        }
      }
    } else {
      return broken("a range of an unknown kind");
    }
    if (out.bytes().size() > room) {
      // This range does not fit any more: of all the rest only whether it is the same.
      out.back_to(before);
      if (skipped_before) out.range(previous, Mode::skip);
      out.range(Bound{kInfinity, {}}, Mode::fingerprint);
      append(out.bytes(), fingerprint(from, set_.size()));
      return std::move(out.bytes());
    }
    from = to;
    previous = end;
  }
  return std::move(out.bytes());
}

}  // namespace np2p
