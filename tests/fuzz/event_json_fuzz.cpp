// libFuzzer target: any bytes as the event that a client publishes. Seeds: corpus/event_json.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::event_json_parse({data, size});
  return 0;
}
