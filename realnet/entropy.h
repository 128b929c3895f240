// Port Entropy on the kernel's generator.
#pragma once

#include "core/host/entropy.h"

namespace np2p::real {

class KernelEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace np2p::real
