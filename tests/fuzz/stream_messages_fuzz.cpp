// libFuzzer target: any bytes as a message between nodes, or as a part of a stream. Seeds: corpus/stream_messages.
#include "tests/fuzz/stream_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::stream_message({data, size});
  return 0;
}
