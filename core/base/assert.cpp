#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace np2p {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "nostrp2p: internal error: %s does not hold (%s:%d)\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace np2p
