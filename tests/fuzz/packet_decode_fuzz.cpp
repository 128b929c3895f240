// libFuzzer target: any bytes as the packet of another server. Seeds: corpus/packet.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::packet_decode({data, size});
  return 0;
}
