#include "realnet/entropy.h"

#include <sys/random.h>

#include "core/base/assert.h"

namespace np2p::real {

void KernelEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) continue;  // interrupted by a signal before the pool was ready
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace np2p::real
