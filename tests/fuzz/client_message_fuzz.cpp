// libFuzzer target: any bytes as what a client says over a WebSocket. Seeds: corpus/client_message.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::client_message_parse({data, size});
  return 0;
}
