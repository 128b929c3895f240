// libFuzzer target: any bytes as a message of the scalable overlay. Seeds: corpus/swarm_messages.
#include "tests/fuzz/swarm_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::swarm_message({data, size});
  return 0;
}
