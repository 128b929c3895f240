// libFuzzer target: any bytes as a frame of the original's mesh. Seeds: corpus/mesh_messages.
#include "tests/fuzz/mesh_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::mesh_message({data, size});
  return 0;
}
