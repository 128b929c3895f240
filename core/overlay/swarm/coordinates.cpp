#include "core/overlay/swarm/coordinates.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace np2p::swarm {
namespace {

constexpr std::int64_t kUnit = 10'000;      // ns
constexpr std::int64_t kOne = 0xFFFF;       // relative error of 1
constexpr std::int64_t kLeastHeight = 500;  // 5 ms; from nothing a height could not grow

std::int64_t root(std::int64_t square) noexcept {  // floor of the square root, by Newton, from a power of 2 above it
  if (square <= 0) return 0;
  std::int64_t x = std::int64_t{1} << (std::bit_width(static_cast<std::uint64_t>(square)) + 1) / 2;
  for (std::int64_t y = (x + square / x) / 2; y < x; y = (x + square / x) / 2) x = y;
  return x;
}

std::int64_t clamp16(std::int64_t value) noexcept {
  return std::clamp<std::int64_t>(value, -32000, 32000);
}

}  // namespace

Duration predicted_rtt(const Coordinates& a, const Coordinates& b) noexcept {
  const std::int64_t dx = a.x - b.x;
  const std::int64_t dy = a.y - b.y;
  return Duration{(root(dx * dx + dy * dy) + a.height + b.height) * kUnit};
}

Coordinates moved(const Coordinates& ours, const Coordinates& theirs, Duration rtt, Rng& rng) noexcept {
  const std::int64_t measured = std::clamp<std::int64_t>(rtt.count() / kUnit, 1, 300'000);
  std::int64_t dx = ours.x - theirs.x;
  std::int64_t dy = ours.y - theirs.y;
  std::int64_t distance = root(dx * dx + dy * dy);
  if (distance == 0) {
    dx = static_cast<std::int64_t>(rng.below(20001)) - 10000;
    dy = static_cast<std::int64_t>(rng.below(20001)) - 10000;
    distance = std::max<std::int64_t>(root(dx * dx + dy * dy), 1);
  }
  const std::int64_t heights =
      std::max<std::int64_t>(ours.height, kLeastHeight) + std::max<std::int64_t>(theirs.height, kLeastHeight);
  const std::int64_t off = measured - distance - heights;  // positive: we are too near
  const std::int64_t own_error = std::max<std::int64_t>(ours.error, 1);
  const std::int64_t trust = kOne * own_error / (own_error + std::max<std::int64_t>(theirs.error, 1));  // 0..1
  const std::int64_t wrong = std::min(kOne, kOne * std::abs(off) / measured);
  const std::int64_t rate = trust / 4;  // both constants of the paper are 0.25

  Coordinates next = ours;
  const std::int64_t step = off * rate / kOne;
  const std::int64_t whole = std::max<std::int64_t>(distance + heights, 1);
  const std::int64_t up = step * heights / whole / 2;  // slowly, or heights take up what belongs to the plane
  next.x = static_cast<std::int16_t>(clamp16(ours.x + step * dx / distance));
  next.y = static_cast<std::int16_t>(clamp16(ours.y + step * dy / distance));
  next.height = static_cast<std::uint16_t>(std::clamp<std::int64_t>(ours.height + up, 0, 60'000));
  const std::int64_t weight = trust / 4;
  next.error = static_cast<std::uint16_t>(
      std::clamp<std::int64_t>((wrong * weight + own_error * (kOne - weight)) / kOne, kOne / 100, kOne));
  return next;
}

}  // namespace np2p::swarm
