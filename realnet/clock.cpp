#include "realnet/clock.h"

namespace np2p::real {

MonoTime mono_now() noexcept {
  return {Duration(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

WallTime wall_now() noexcept {
  return {Duration(std::chrono::system_clock::now().time_since_epoch()).count()};
}

}  // namespace np2p::real
