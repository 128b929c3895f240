// A set of numbers as spans, for numbers that come nearly in order: which letters of a stream somebody has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "core/base/heap_bytes.h"

namespace np2p {

class SeqSet {
 public:
  using Span = std::pair<std::uint64_t, std::uint64_t>;  // first and last

  void add(std::uint64_t first, std::uint64_t last) {
    auto at = spans_.upper_bound(first);
    if (at != spans_.begin()) {
      const auto before = std::prev(at);
      if (before->second >= first || before->second + 1 == first) {
        first = before->first;
        last = std::max(last, before->second);
        at = spans_.erase(before);
      }
    }
    while (at != spans_.end() && (at->first <= last || at->first == last + 1)) {
      last = std::max(last, at->second);
      at = spans_.erase(at);
    }
    spans_.emplace(first, last);
  }
  [[nodiscard]] bool contains(std::uint64_t seq) const {
    const auto at = spans_.upper_bound(seq);
    return at != spans_.begin() && std::prev(at)->second >= seq;
  }
  // Those of [first, last] that are not in it.
  [[nodiscard]] std::vector<Span> lacking(std::uint64_t first, std::uint64_t last) const {
    std::vector<Span> gaps;
    auto at = spans_.upper_bound(first);
    if (at != spans_.begin() && std::prev(at)->second >= first) at = std::prev(at);
    for (; at != spans_.end() && at->first <= last; ++at) {
      if (at->first > first) gaps.emplace_back(first, at->first - 1);
      if (at->second >= last) return gaps;
      first = at->second + 1;
    }
    gaps.emplace_back(first, last);
    return gaps;
  }
  // Those of [first, last] that are in it.
  [[nodiscard]] std::vector<Span> common(std::uint64_t first, std::uint64_t last) const {
    std::vector<Span> found;
    auto at = spans_.upper_bound(first);
    if (at != spans_.begin()) at = std::prev(at);
    for (; at != spans_.end() && at->first <= last; ++at) {
      if (at->second >= first) found.emplace_back(std::max(first, at->first), std::min(last, at->second));
    }
    return found;
  }
  [[nodiscard]] std::size_t spans() const noexcept { return spans_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(spans_); }

 private:
  std::map<std::uint64_t, std::uint64_t> spans_;  // disjoint, with gaps between them
};

}  // namespace np2p
