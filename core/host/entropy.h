// Port: secrets only (keys, nonces). Protocol choices use Rng, so that a seed replays them.
#pragma once

#include <cstdint>
#include <span>

namespace np2p {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace np2p
