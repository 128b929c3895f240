// libFuzzer target: any bytes as a message about cells. Seeds: corpus/cell_messages.
#include "tests/fuzz/cell_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::cell_message({data, size});
  return 0;
}
