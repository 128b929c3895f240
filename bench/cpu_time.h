// CPU time of this thread: other programs on the machine do not count.
#pragma once

#include <ctime>

namespace np2p::bench {

inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace np2p::bench
